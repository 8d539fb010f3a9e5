import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import {
  startCluster,
  startRedis,
  startReplica,
  type RedisTestCluster,
  type RedisTestServer,
} from 'nestjs-redis-data/testing';
import { describeWithRealRedis } from '../../../../test/support/real-redis.js';
import type { RedisModuleOptions } from '../../src/connection/options/options.js';
import { translateError } from '../../src/connection/driver/failures/translate-error.js';
import type { RedisException } from '../../src/errors/redis.exception.js';
import { caught } from './support/caught.js';
import { openConnection, type OpenConnection } from './support/open-connection.js';

let open: OpenConnection[] = [];
afterEach(async () => {
  await Promise.all(open.map((connection) => connection.close()));
  open = [];
});

async function connect(options: RedisModuleOptions) {
  const connection = await openConnection(options);
  open.push(connection);
  return connection.client;
}

/** The exception that a failed command translates to. */
async function failure(promise: Promise<unknown>): Promise<RedisException> {
  const error = await caught(promise);
  const exception = translateError(error);
  if (!exception) throw new Error(`not recognized: ${inspect(error)}`);
  expect(exception.cause).toBe(error);
  return exception;
}

describe('the error of a wrong command', () => {
  let server: RedisTestServer;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.stop());

  it('WRONGTYPE names the operation and the key', async () => {
    const redis = await connect({ url: server.url });
    await redis.set('text', 'x');
    expect(await failure(redis.lpush('text', 'y'))).toMatchObject({
      name: 'RedisCommandException',
      reply: 'WRONGTYPE',
      operation: 'lpush',
      key: 'text',
    });
  });

  it('a script with an error is a command exception', async () => {
    const redis = await connect({ url: server.url });
    expect(await failure(redis.eval('return redis.call("nonsense")', 0))).toMatchObject({
      name: 'RedisCommandException',
      operation: 'eval',
    });
    expect(await failure(redis.call('EVAL', 'return 1', 'no number'))).toMatchObject({
      name: 'RedisCommandException',
      key: undefined,
    });
    expect(await failure(redis.evalsha('0'.repeat(40), 0))).toMatchObject({
      name: 'RedisCommandException',
      reply: 'NOSCRIPT',
    });
  });

  it('names the failed command inside a pipeline and a transaction', async () => {
    const redis = await connect({ url: server.url });
    await redis.set('text', 'x');
    const results = await redis.pipeline().get('text').incr('text').exec();
    expect(results?.[0]).toEqual([null, 'x']);
    expect(translateError(results?.[1]?.[0])).toMatchObject({ operation: 'incr', key: 'text' });
    const aborted = redis.multi().set('a', 1).call('nonsense').exec();
    expect(await failure(aborted)).toMatchObject({ name: 'RedisCommandException' });
  });

  it('never shows arguments to a log', async () => {
    const redis = await connect({ url: server.url });
    await redis.set('text', 'x');
    const errors = [
      await caught(redis.call('nonsense', 'hunter2')),
      await caught(redis.hset('text', 'password', 'hunter2')),
    ];
    for (const error of errors) {
      const exception = translateError(error);
      expect(inspect(error, { depth: 9 })).not.toContain('hunter2');
      expect(inspect(exception, { depth: 9 })).not.toContain('hunter2');
      expect(JSON.stringify(Object.entries(error))).not.toContain('hunter2');
    }
  });
});

describeWithRealRedis('the errors of a real server', () => {
  it('NOAUTH and WRONGPASS', async () => {
    const server = await startRedis({ password: 'right' });
    try {
      const { host, port } = server;
      for (const password of [undefined, 'hunter2']) {
        const redis = await connect({ host, port, password, startup: 'background' });
        const exception = await failure(redis.get('k'));
        expect(exception.name).toBe('RedisAuthenticationException');
        expect(inspect(exception, { depth: 9 })).not.toContain('hunter2');
      }
    } finally {
      await server.stop();
    }
  });

  it('NOPERM', async () => {
    const server = await startRedis({
      args: ['--user', 'reader', 'on', '>pw', '~*', '+@all', '-set'],
    });
    try {
      const { host, port } = server;
      const redis = await connect({ host, port, username: 'reader', password: 'pw' });
      expect(await failure(redis.set('k', 'v'))).toMatchObject({
        name: 'RedisPermissionException',
        operation: 'set',
      });
    } finally {
      await server.stop();
    }
  });

  it('OOM, plain and inside a transaction', async () => {
    const server = await startRedis({ args: ['--maxmemory', '100kb'] });
    try {
      const redis = await connect({ url: server.url });
      const exception = await failure(redis.set('big', 'x'.repeat(100_000)));
      expect(exception.name).toBe('RedisOutOfMemoryException');
      const inMulti = await failure(redis.multi().set('big', 'x'.repeat(100_000)).exec());
      expect(inMulti.name).toBe('RedisOutOfMemoryException');
    } finally {
      await server.stop();
    }
  });

  it('READONLY on a replica', async () => {
    const primary = await startRedis();
    const replica = await startReplica(primary);
    try {
      const redis = await connect({ url: replica.url });
      expect(await failure(redis.set('k', 'v'))).toMatchObject({
        name: 'RedisUnavailableException',
        reply: 'READONLY',
      });
    } finally {
      await replica.stop();
      await primary.stop();
    }
  });

  it('MASTERDOWN on a replica that must not serve stale data', async () => {
    const primary = await startRedis();
    const replica = await startReplica(primary);
    try {
      const redis = await connect({ url: replica.url });
      await redis.config('SET', 'replica-serve-stale-data', 'no');
      await primary.kill();
      let exception: RedisException | undefined;
      while (!exception) {
        exception = await redis.get('k').then(() => undefined, translateError);
      }
      expect(exception).toMatchObject({ name: 'RedisUnavailableException', reply: 'MASTERDOWN' });
    } finally {
      await replica.stop();
      await primary.stop();
    }
  });

  it('BUSY while a script runs too long', async () => {
    const server = await startRedis({ args: ['--lua-time-limit', '1'] });
    try {
      const redis = await connect({ url: server.url });
      const other = await connect({ url: server.url });
      const endless = caught(redis.eval('while true do end', 0));
      let exception: RedisException | undefined;
      while (!exception) {
        exception = await other.get('k').then(() => undefined, translateError);
      }
      expect(exception).toMatchObject({ name: 'RedisUnavailableException', reply: 'BUSY' });
      await other.script('KILL');
      expect(translateError(await endless)?.name).toBe('RedisCommandException');
    } finally {
      await server.stop();
    }
  });

  it('LOADING while a data set is read from disk', async () => {
    // Redis answers after every two megabytes that it has read.
    const server = await startRedis({
      args: ['--save', '3600 1', '--key-load-delay', '1000', '--rdbcompression', 'no'],
    });
    try {
      const filler = await connect({ url: server.url });
      await filler.eval(
        'for i = 1, 2000 do redis.call("SET", "k" .. i, string.rep("x", 4096)) end',
        0,
      );
      await filler.save();
      await server.restart({ until: 'listening' });
      const redis = await connect({
        url: server.url,
        startup: 'background',
        ioredis: { enableReadyCheck: false },
      });
      expect(await failure(redis.get('k1'))).toMatchObject({
        name: 'RedisUnavailableException',
        reply: 'LOADING',
      });
    } finally {
      await server.stop();
    }
  });

  it('a frozen server is a timeout that names operation, key and time', async () => {
    const server = await startRedis();
    try {
      const redis = await connect({ url: server.url, commandTimeout: '300ms' });
      server.freeze();
      expect(await failure(redis.get('user:1'))).toMatchObject({
        name: 'RedisTimeoutException',
        operation: 'get',
        key: 'user:1',
        timeoutMs: 300,
      });
    } finally {
      server.thaw();
      await server.stop();
    }
  });

  it('a stopped server is a connection exception that names host and port', async () => {
    const server = await startRedis();
    try {
      const redis = await connect({ url: server.url });
      await server.kill();
      expect(await failure(redis.get('k'))).toMatchObject({
        name: 'RedisConnectionException',
        host: server.host,
        port: server.port,
      });
    } finally {
      await server.stop();
    }
  });

  it('a refused port and a closed client are connection exceptions', async () => {
    const { client, close } = await openConnection({ port: 1, startup: 'background' });
    expect((await failure(client.get('k'))).name).toBe('RedisConnectionException');
    const waiting = failure(client.get('k'));
    await close();
    expect((await waiting).name).toBe('RedisConnectionException');
    expect((await failure(client.get('k'))).name).toBe('RedisConnectionException');
  });

  describe('in a cluster', () => {
    let cluster: RedisTestCluster;
    beforeAll(async () => {
      cluster = await startCluster({ replicas: false });
    });
    afterAll(() => cluster.stop());

    it('CROSSSLOT is a command exception, plain and in a pipeline', async () => {
      const redis = await connect({ clusterNodes: cluster.nodes });
      expect(await failure(redis.mget('a', 'b'))).toMatchObject({
        name: 'RedisCommandException',
        reply: 'CROSSSLOT',
      });
      expect(await failure(redis.pipeline().mget('a', 'b').exec())).toMatchObject({
        name: 'RedisCommandException',
        reply: 'CROSSSLOT',
      });
    });

    it('wrong credentials fail the boot at once, and are printed nowhere', async () => {
      const guarded = await startCluster({ replicas: false });
      try {
        for (const { host, port } of guarded.nodes) {
          const node = await connect({ host, port });
          await node.config('SET', 'requirepass', 'right');
        }
        const error = await caught(
          openConnection({ clusterNodes: guarded.nodes, password: 'hunter2' }),
        );
        expect(error.name).toBe('RedisAuthenticationException');
        expect(inspect(error, { depth: 9 })).not.toContain('hunter2');
      } finally {
        await guarded.stop();
      }
    });

    it('a node that was frozen at first does not execute commands that have timed out', async () => {
      const redis = await connect({ clusterNodes: cluster.nodes, commandTimeout: '500ms' });
      const keys = Array.from({ length: 30 }, (_, i) => `late:${i}`);
      for (const node of cluster.nodes) node.freeze();
      const writes = await Promise.all(keys.map((key) => failure(redis.set(key, 'late'))));
      expect(new Set(writes.map(({ name }) => name))).toEqual(new Set(['RedisTimeoutException']));
      for (const node of cluster.nodes) node.thaw();
      const sent = await Promise.all(keys.map((key) => redis.get(key)));
      // Commands to the one node that was connected already had been sent, and are executed.
      expect(sent.filter((value) => value === null).length).toBeGreaterThan(keys.length / 3);
    });

    it('CLUSTERDOWN is unavailable', async () => {
      const redis = await connect({
        clusterNodes: cluster.nodes,
        ioredisCluster: { retryDelayOnClusterDown: 1, maxRedirections: 2 },
      });
      const slotOfFoo = '12182';
      for (const { host, port } of cluster.nodes) {
        const node = await connect({ host, port });
        expect(await node.call('CLUSTER', 'DELSLOTS', slotOfFoo)).toBe('OK');
      }
      expect((await failure(redis.get('foo'))).name).toBe('RedisUnavailableException');
    });
  });
});
