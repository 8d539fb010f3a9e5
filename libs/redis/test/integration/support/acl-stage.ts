import { afterAll, afterEach, beforeAll, beforeEach, expect, jest } from '@jest/globals';
import { Cluster, type Redis } from 'ioredis';
import type { RedisModuleOptions } from '../../../src/index.js';
import type { AclTrial } from './acl-features.js';
import { openConnection, type OpenConnection } from './open-connection.js';

/** Where users with few permissions try what they can do. */
export interface AclStage {
  /** A client that may do everything. */
  readonly admin: AclTrial['admin'];
  /** Opens a connection as a new user with only these rules. */
  openAs(rules: readonly string[], options?: RedisModuleOptions): Promise<AclTrial>;
  /** All commands refused since the last reset, to any caller. */
  refusals(): Promise<unknown[]>;
  /** Forgets keys, scripts and refusals. */
  reset(): Promise<void>;
}

/** @param start starts the servers, and says how to connect to them */
export function useAclStage(
  start: () => Promise<{ options: RedisModuleOptions; stop: () => Promise<void> }>,
): AclStage {
  let servers: Awaited<ReturnType<typeof start>>;
  let root: OpenConnection;
  const opened: OpenConnection[] = [];
  let users = 0;
  const nodes = (): readonly Redis[] =>
    root.client instanceof Cluster ? root.client.nodes() : [root.client];
  const onEachNode = <T>(work: (node: Redis) => Promise<T>) => Promise.all(nodes().map(work));

  const stage: AclStage = {
    get admin() {
      return root.client;
    },
    openAs: async (rules, more = {}) => {
      const login = { username: `user-${++users}`, password: 'secret' };
      const { username } = login;
      // Redis 6 begins with all channels.
      const user = [
        username,
        'reset',
        'resetchannels',
        'on',
        `>${login.password}`,
        ...rules,
      ] as const;
      await onEachNode((node) => node.acl('SETUSER', ...user));
      const options = {
        ...servers.options,
        ioredis: { disableClientInfo: true }, // a refusal that the guide allows
        ...more,
        ...login,
        startup: 'require',
      } as const;
      const connection = await openConnection(options);
      opened.push(connection);
      return { connection, options, admin: root.client };
    },
    refusals: async () => {
      const logs = await onEachNode((node) => node.call('ACL', 'LOG') as Promise<unknown[][]>);
      return logs.flat().map((entry) => entry[entry.indexOf('object') + 1]);
    },
    reset: async () => {
      await onEachNode(async (node) => {
        await node.flushall();
        await node.script('FLUSH'); // so that the server has to be told them
        await node.call('ACL', 'LOG', 'RESET');
      });
    },
  };

  const warn = jest.spyOn(console, 'warn');

  beforeAll(async () => {
    servers = await start();
    root = await openConnection(servers.options);
  });
  beforeEach(() => stage.reset());
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((connection) => connection.close()));
  });
  afterAll(async () => {
    await root.close();
    await servers.stop();
    expect(warn).not.toHaveBeenCalled(); // ioredis would, about a forbidden INFO
    warn.mockRestore();
  });
  return stage;
}
