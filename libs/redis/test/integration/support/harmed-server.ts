import { afterEach, beforeEach } from '@jest/globals';
import {
  startFaultProxy,
  startRedis,
  type FaultProxy,
  type RedisTestServer,
} from '../../../src/testing/index.js';
import { KeyBuilder, type RedisModuleOptions } from '../../../src/index.js';
import type { RedisCacheOptions } from '../../../src/cache/cache-options.js';
import type { RedisClient } from '../../../src/connection/options/options.js';
import { listenedCache, type ListenedCache } from './cache-stage.js';
import { openConnection, type OpenConnection } from './open-connection.js';

export interface CacheOnServer extends ListenedCache {
  readonly client: RedisClient;
  readonly connection: OpenConnection;
}

/** A server that a test may do anything to; it and all connections end with the test. */
export interface HarmedServer {
  readonly server: RedisTestServer;
  /** Between the server and those who open their cache `through` it. */
  readonly proxy: FaultProxy;
  readonly keys: KeyBuilder;
  open(options?: RedisCacheOptions, connection?: RedisModuleOptions): Promise<CacheOnServer>;
  openThroughProxy(options?: RedisCacheOptions): Promise<CacheOnServer>;
}

export function useHarmedServer(start = () => startRedis()): HarmedServer {
  const keys = new KeyBuilder({ app: 'test', environment: 'harm' });
  const connections: OpenConnection[] = [];
  let server: RedisTestServer;
  let proxy: FaultProxy;
  beforeEach(async () => {
    server = await start();
    proxy = await startFaultProxy(server);
  });
  afterEach(async () => {
    if (server.kind === 'real') server.thaw();
    await proxy.heal();
    await Promise.all(connections.splice(0).map((connection) => connection.close()));
    await proxy.stop();
    await server.stop();
  });
  const open: HarmedServer['open'] = async (options = {}, settings = { url: server.url }) => {
    const connection = await openConnection({ shutdownTimeout: '100ms', ...settings });
    connections.push(connection);
    const { client } = connection;
    return { ...listenedCache(client, keys, options), client, connection };
  };
  return {
    get server() {
      return server;
    },
    get proxy() {
      return proxy;
    },
    keys,
    open,
    openThroughProxy: (options) => open(options, { host: proxy.host, port: proxy.port }),
  };
}
