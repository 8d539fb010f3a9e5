import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { RedisModuleOptions } from 'nestjs-redis-data';
import {
  startCluster,
  startRedis,
  startSentinel,
  type RedisTestServer,
} from 'nestjs-redis-data/testing';
import { describeWithRealRedis } from '../../../../test/support/real-redis.js';

const SCRIPT = join(__dirname, 'support/boot-in-child.cjs');

/** Longer than a slow machine takes, and no longer than a test may. */
const ENDS_WITHIN_MS = 25_000;

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

interface Booting {
  readonly child: ChildProcess;
  /** What it says next. */
  next(): Promise<unknown>;
}

function bootInChild(scenario: string, options: RedisModuleOptions): Booting {
  const args = [SCRIPT, scenario, JSON.stringify(options)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  return { child, next: async () => JSON.parse(String((await lines.next()).value)) as unknown };
}

const FAILED = { failed: 'another provider failed' };

let server: RedisTestServer;
let portOfNobody: number;
beforeAll(async () => {
  server = await startRedis();
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  portOfNobody = (listener.address() as AddressInfo).port;
  listener.close();
});
afterAll(() => server.stop());

describe('The process of a failed boot', () => {
  it.each<[string, RedisModuleOptions['startup']]>([
    ['a provider fails', 'require'],
    ['onModuleInit fails', 'background'],
    ['a provider fails after everything was used', 'wait'],
  ])(
    'ends while Redis is connected: %s, startup %s',
    async (scenario, startup) => {
      const boot = bootInChild(scenario, { url: server.url, startup });
      expect(await boot.next()).toEqual(FAILED);
      expect(await boot.next()).toEqual({ exited: 0 });
    },
    ENDS_WITHIN_MS,
  );

  it(
    'ends while Redis is down',
    async () => {
      const away = { host: '127.0.0.1', port: portOfNobody, startup: 'wait' } as const;
      const boot = bootInChild('onModuleInit fails', { ...away, startupTimeout: '100ms' });
      expect(await boot.next()).toEqual(FAILED);
      expect(await boot.next()).toEqual({ exited: 0 });
    },
    ENDS_WITHIN_MS,
  );
});

describeWithRealRedis('The process of a failed boot with a cluster client', () => {
  it(
    'ends while the cluster is connected',
    async () => {
      const cluster = await startCluster({ replicas: false });
      try {
        const clusterNodes = cluster.nodes.map(({ host, port }) => ({ host, port }));
        const boot = bootInChild('a provider fails after everything was used', {
          clusterNodes,
          startup: 'require',
        });
        expect(await boot.next()).toEqual(FAILED);
        expect(await boot.next()).toEqual({ exited: 0 });
      } finally {
        await cluster.stop();
      }
    },
    ENDS_WITHIN_MS,
  );
});

describeWithRealRedis('The process of a failed boot with sentinels', () => {
  it(
    'ends while the primary is connected and the sentinels are listened to',
    async () => {
      await using topology = await startSentinel();
      const { sentinels, name: sentinelName } = topology;
      const boot = bootInChild('a provider fails', {
        sentinels: sentinels.map(({ host, port }) => ({ host, port })),
        sentinelName,
        startup: 'require',
      });
      expect(await boot.next()).toEqual(FAILED);
      expect(await boot.next()).toEqual({ exited: 0 });
    },
    ENDS_WITHIN_MS,
  );
});

describe('The process of a failed boot with sentinels that do not answer', () => {
  let silent: Server;
  const accepted: Socket[] = [];
  beforeAll(async () => {
    silent = createServer((socket) => accepted.push(socket)).listen(0, '127.0.0.1');
    await once(silent, 'listening');
  });
  afterAll(() => {
    for (const socket of accepted) socket.destroy();
    silent.close();
  });

  it.each([
    ['refuse', () => portOfNobody],
    ['are frozen', () => (silent.address() as AddressInfo).port],
  ])(
    'ends if they %s',
    async (_, port) => {
      const boot = bootInChild('onModuleInit fails', {
        sentinels: [{ host: '127.0.0.1', port: port() }],
        sentinelName: 'main',
        startup: 'wait',
        startupTimeout: '100ms',
        connectTimeout: '500ms',
      });
      expect(await boot.next()).toEqual(FAILED);
      expect(await boot.next()).toEqual({ exited: 0 });
    },
    ENDS_WITHIN_MS,
  );
});

describe('The process of an application', () => {
  it(
    'runs while a provider waits for an answer, and ends when the application is closed',
    async () => {
      const boot = bootInChild('a provider waits for Redis', {
        url: server.url,
        startup: 'require',
      });
      expect(await boot.next()).toEqual({ booted: 'late' });
      expect(await boot.next()).toEqual({ exited: 0 });
    },
    ENDS_WITHIN_MS,
  );

  it(
    'runs as long as the application runs',
    async () => {
      const boot = bootInChild('the application stays up', { url: server.url });
      expect(await boot.next()).toEqual({ booted: 'up' });
      const ends = boot.next();
      const isAlive = new Promise((resolve) => setTimeout(resolve, 500, 'alive'));
      expect(await Promise.race([ends, isAlive])).toBe('alive');
      boot.child.kill('SIGTERM');
      expect(await ends).toEqual({ exited: 0 });
    },
    ENDS_WITHIN_MS,
  );
});
