/** The near copy at critical moments: while links are frozen or lost, and between a read and its reply. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { KeyBuilder, type RedisCacheOptions } from '../../src/index.js';
import { startRedis, type RedisTestServer } from '../../src/testing/index.js';
import { describeWithRealRedis } from '../../../../test/support/real-redis.js';
import { eventually, pass, waitUntil } from '../../../../test/support/time.js';
import { listenedCache, type ListenedCache } from './support/cache-stage.js';
import { isWithdraw } from './support/cache-commands.js';
import { gated, type GatedClient } from './support/gate.js';
import { openConnection, type OpenConnection } from './support/open-connection.js';
import { startSplitProxy, type SplitProxy } from './support/split-proxy.js';

const keys = new KeyBuilder({ app: 'test', environment: 'near' });
const STALENESS_MS = 1_000;
const NEAR = { maxBytes: 2 ** 20, staleness: '1s' } as const;

/** A process, as far as a cache can tell: it has a connection of its own. */
interface Process extends ListenedCache {
  readonly gate: GatedClient;
}

describeWithRealRedis('on one server', () => {
  let server: RedisTestServer;
  let proxy: SplitProxy;
  /** Behind the proxy. */
  let near: Process;
  /** Another process, which has no near copy and is not behind the proxy. */
  let other: Process;
  const connections: OpenConnection[] = [];

  async function open(port: number, options: RedisCacheOptions): Promise<Process> {
    const connection = await openConnection({ host: '127.0.0.1', port, shutdownTimeout: '100ms' });
    connections.push(connection);
    const gate = gated(connection.client);
    return { ...listenedCache(gate.client, keys, { ttl: '1m', ...options }), gate };
  }

  /** Opens the process anew. */
  async function start(options: RedisCacheOptions = {}): Promise<void> {
    near = await open(proxy.port, { near: NEAR, ...options });
  }

  beforeEach(async () => {
    server = await startRedis();
    proxy = await startSplitProxy(server);
    other = await open(server.port, {});
    await start();
  });
  afterEach(async () => {
    await proxy.heal();
    await near.cache.close();
    await Promise.all(connections.splice(0).map((connection) => connection.close()));
    await proxy.stop();
    await server.stop();
  });

  const TAGGED = { tags: ['t'] } as const;
  const read = (value = 'new') => near.cache.getOrLoad('x', () => value, TAGGED);
  const inProcess = () => near.cache.near<string>('x', TAGGED)?.value;

  /** Reads an old value until the process has it. */
  async function warm(): Promise<void> {
    await eventually(async () => {
      await read('old');
      expect(inProcess()).toBe('old');
    });
  }

  describe('A near copy', () => {
    it('keeps nothing that was invalidated while its reply was on the way', async () => {
      await warm();
      await near.cache.delete('x');
      await other.cache.getOrLoad('x', () => 'old', TAGGED);
      proxy.holdReplies('data');
      const reading = read();
      await eventually(() => {
        expect(proxy.heldBytes).toBeGreaterThan(0);
      });
      const pushes = near.cache.nearState?.pushes ?? NaN;
      await other.cache.invalidateTags('t');
      await eventually(() => {
        expect(near.cache.nearState?.pushes).toBeGreaterThan(pushes);
      });
      await proxy.heal();
      expect(await reading).toBe('old'); // invalidated after the read began
      expect(await read()).toBe('new');
    });

    it('serves no longer than its staleness what it hears no changes of', async () => {
      await warm();
      proxy.freeze('tracking');
      await other.cache.invalidateTags('t');
      const acknowledgedAt = performance.now();
      const servedTooLate: unknown[] = [];
      await waitUntil('the new value is read', async () => {
        const isTooLate = performance.now() - acknowledgedAt > STALENESS_MS;
        const held = inProcess();
        if (isTooLate && held === 'old') servedTooLate.push(held);
        return (await read()) === 'new';
      });
      expect(servedTooLate).toEqual([]);
    });

    it('serves nothing that was invalidated while its link was lost', async () => {
      await warm();
      await proxy.cut();
      await eventually(() => {
        expect(near.cache.nearState?.isArmed).toBe(false);
      });
      await other.cache.invalidateTags('t');
      await proxy.heal();
      await eventually(() => {
        expect(near.cache.nearState?.isArmed).toBe(true);
      });
      expect(inProcess()).toBeUndefined();
      await eventually(async () => {
        expect(await read()).toBe('new');
      });
    });

    it('lets a caller go who gives up while a value is confirmed', async () => {
      await warm();
      await proxy.cut();
      await eventually(() => {
        expect(near.cache.nearState?.isArmed).toBe(false);
      });
      await proxy.heal();
      await eventually(() => {
        expect(near.cache.nearState?.isArmed).toBe(true);
      });
      proxy.holdReplies('data');
      const leaving = new AbortController();
      const reading = near.cache.getOrLoad('x', () => 'new', { ...TAGGED, signal: leaving.signal });
      leaving.abort(new Error('The caller has left'));
      const late = pass(3_000).then(() => 'late'); // Redis itself is waited for longer
      await expect(Promise.race([reading, late])).rejects.toThrow('The caller has left');
    });

    it('serves nothing of what was flushed', async () => {
      await warm();
      await other.gate.client.flushall();
      await eventually(async () => {
        expect(await read()).toBe('new');
      });
    });

    it('serves nothing that its process is invalidating', async () => {
      await warm();
      const invalidation = near.gate.hold('evalsha', isWithdraw);
      const invalidating = near.cache.invalidateTags('t');
      await invalidation.reached;
      expect(inProcess()).toBeUndefined();
      invalidation.release();
      await invalidating;
    });

    it('serves nothing that its process has invalidated and read again meanwhile, before it is told', async () => {
      await warm();
      const invalidation = near.gate.hold('evalsha', isWithdraw);
      const invalidating = near.cache.invalidateTags('t');
      await invalidation.reached;
      await warm();
      proxy.holdReplies('tracking'); // no push tells of it
      invalidation.release();
      await invalidating;
      expect(inProcess()).toBeUndefined();
      expect(await read()).toBe('new');
    });

    it('serves nothing that only the outbox of its process knows to be invalid', async () => {
      await start({ outbox: true, timeout: '4s' }); // in which it is read again
      await warm();
      const invalidation = near.gate.hold('evalsha', isWithdraw);
      const invalidating = near.cache.invalidateTags('t');
      await invalidation.reached;
      await warm();
      await invalidating;
      expect(inProcess()).toBeUndefined();
      expect(await read()).toBe('new');
      invalidation.release();
    });

    it('serves nothing that its process has invalidated by a pattern, though Redis had lost it', async () => {
      await warm();
      proxy.holdReplies('tracking'); // no push tells of it
      await other.gate.client.unlink(keys.key('cache', 'x'));
      await near.cache.invalidatePattern('x*');
      expect(inProcess()).toBeUndefined();
      expect(await read()).toBe('new');
    });

    it('keeps nothing that is compared by content', async () => {
      const dependent = { dependsOn: ['any-key'] };
      const load = (value: string) => near.cache.getOrLoad('y', () => value, dependent);
      await warm();
      for (let n = 0; n < 3; n++) await load('old');
      await other.gate.client.set('any-key', 'changed');
      expect(await load('new')).toBe('new');
    });
  });
});
