/**
 * @module testing Real Redis servers, topologies and faults for tests: started in milliseconds, ended with
 * the test process, without Docker.
 *
 * Not exported: finding and running a server program (`embedded/`), and the helpers of the topologies.
 */

// One server
export { startRedis } from './start-redis.js';
export type { StartRedisOptions } from './start-redis.js';
export type { RedisTestServer, RestartOptions } from './redis-test-server.js';
export type { TlsMaterial } from './tls-material.js';
export { findRedisServer } from './find-redis-server.js';
export type { ServerBinary } from '../embedded/find-server-binary.js';

// Topologies, which all need a real server program
export { startReplica } from './start-replica.js';
export { startSentinel } from './start-sentinel.js';
export type { RedisTestSentinel, StartSentinelOptions } from './start-sentinel.js';
export { startCluster } from './start-cluster.js';
export type { RedisTestCluster, StartClusterOptions } from './start-cluster.js';

// Faults
export { startFaultProxy } from './start-fault-proxy.js';
export type { FaultProxy } from './start-fault-proxy.js';

// The contract of repositories
export { repositoryContract } from './repository-contract.js';
export type { RepositoryContractCase, RepositoryContractSubject } from './contract/subject.js';
export { meetsCriteria } from '../repository/indexes/conditions.js';
