/**
 * The classes of ioredis. A file of CommonJS in both builds: instrumentations that watch `require` have to
 * see ioredis also where an application in CommonJS loads this library as ES modules (docs/adr/0062).
 */
export { AbstractConnector, Cluster, Command, Redis, SentinelConnector } from 'ioredis';
