import { describeWithRealRedis } from '../../../../test/support/real-redis.js';
import { contractSuites } from './support/contract-suites.js';
import { onOneServer } from './support/repository-servers.js';

/** Without a real server, repository-contract-embedded.int-spec.ts is what runs. */
describeWithRealRedis('RedisRepository keeps the contract', () => {
  onOneServer((stage) => contractSuites(stage));
});
