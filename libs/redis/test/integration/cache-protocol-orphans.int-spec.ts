import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { describeWithRealRedis } from '../../../../test/support/real-redis.js';
import type { RedisCacheOptions } from '../../src/cache/cache-options.js';
import { KeyBuilder } from '../../src/index.js';
import {
  startFaultProxy,
  startRedis,
  type FaultProxy,
  type RedisTestServer,
} from '../../src/testing/index.js';
import { waitUntil } from '../../src/testing/wait-until.js';
import { caught } from './support/caught.js';
import { isFill, isRelease } from './support/cache-commands.js';
import { listenedCache } from './support/cache-stage.js';
import { gated } from './support/gate.js';
import { useHarmedServer } from './support/harmed-server.js';
import { heldLoader } from './support/latch.js';
import { startLeaseHolder, type LeaseHolder } from './support/lease-holder.js';
import { openConnection, type OpenConnection } from './support/open-connection.js';

/** As if for ever: who waits for a lease to end does not come back within a test. */
const LONG = { loadTimeout: '10m', timeout: '5m' } as const;

describeWithRealRedis('on one server', () => {
  describe('A lease that this process has left behind', () => {
    const harmed = useHarmedServer();
    const lease = () => `{${harmed.keys.key('cache', 'x')}}:lease`;

    it('is taken over at once, although it could not be given back', async () => {
      const one = await harmed.openThroughProxy(LONG);
      const { client, hold } = gated(one.client);
      const { cache } = listenedCache(client, harmed.keys, LONG);
      const given = hold('evalsha', isRelease);
      const old = heldLoader(() => 'old');
      const loading = cache.resolve('x', old.load);
      await old.hasRead;
      await harmed.proxy.cut();
      await one.connection.until('connection.down');
      old.finish();
      expect(await loading).toMatchObject({ value: 'old', status: 'miss' });
      await given.reached;
      await harmed.proxy.heal();
      await one.connection.until('connection.ready', 2);
      const other = await harmed.open();
      expect(await other.client.exists(lease())).toBe(1);
      const loader = jest.fn(() => 'new');
      expect(await cache.resolve('x', loader)).toMatchObject({ value: 'new', status: 'miss' });
      expect(await cache.resolve('x', loader)).toMatchObject({ value: 'new', status: 'hit' });
      given.release();
    });

    it('is given back as soon as the connection is ready again', async () => {
      const away = await harmed.openThroughProxy(LONG);
      const other = await harmed.open();
      const held = heldLoader(() => 'value');
      const loading = caught(
        away.cache.getOrLoad('x', async () => {
          await held.load();
          throw new Error('no luck');
        }),
      );
      await held.hasRead;
      harmed.proxy.stall(); // what is sent now is lost
      held.finish();
      expect((await loading).message).toBe('no luck');
      await harmed.proxy.cut();
      await away.connection.until('connection.down');
      expect(await other.client.exists(lease())).toBe(1);
      await harmed.proxy.heal();
      await waitUntil('it is given back', async () => (await other.client.exists(lease())) === 0);
    });

    it('is distinguished from the lease of a running set', async () => {
      const one = await harmed.open(LONG);
      const { client, hold } = gated(one.client);
      const { cache } = listenedCache(client, harmed.keys, LONG);
      const storing = hold('evalsha', isFill);
      const setting = cache.set('x', 'set');
      await storing.reached;
      const loader = jest.fn(() => 'loaded');
      const reading = cache.resolve('x', loader);
      await sleep(50); // it has seen the lease several times
      storing.release();
      await setting;
      expect(await reading).toMatchObject({ value: 'set', status: 'hit' });
      expect(loader).not.toHaveBeenCalled();
    });
  });

  describe('A lease of another process', () => {
    const keys = new KeyBuilder({ app: 'test', environment: 'orphans' });
    let server: RedisTestServer;
    let proxy: FaultProxy;
    let holder: LeaseHolder;
    const connections: OpenConnection[] = [];
    beforeAll(async () => {
      server = await startRedis();
      proxy = await startFaultProxy(server);
      const entries = { slow: server.port, unheard: proxy.port, killed: server.port };
      holder = await startLeaseHolder({ environment: 'orphans', entries });
    });
    afterEach(() => proxy.heal());
    afterAll(async () => {
      await holder.kill();
      await Promise.all(connections.map((connection) => connection.close()));
      await proxy.stop();
      await server.stop();
    });

    async function open(options: RedisCacheOptions) {
      const connection = await openConnection({ url: server.url });
      connections.push(connection);
      return listenedCache(connection.client, keys, { ...LONG, ...options });
    }

    it('is waited for as long as the process sends signs of life', async () => {
      const { cache, of } = await open({ timeout: '800ms' });
      const loader = jest.fn(() => 'mine');
      const waiting = cache.resolve('slow', loader);
      await sleep(1_800);
      await holder.finish('slow', 'theirs');
      expect(await waiting).toMatchObject({ value: 'theirs', status: 'hit' });
      expect(loader).not.toHaveBeenCalled();
      expect(of('cache.lease-wait')).toHaveLength(1);
    });

    it('is taken over if the process runs but cannot be heard, and its value is not stored', async () => {
      const { cache } = await open({ timeout: '300ms' });
      proxy.stall();
      const found = await cache.resolve('unheard', () => 'new');
      expect(found).toMatchObject({ value: 'new', status: 'miss' });
      await proxy.heal();
      await holder.finish('unheard', 'old');
      expect(await cache.get('unheard')).toBe('new');
    });

    it('is taken over by one waiting caller if the process was killed', async () => {
      await holder.kill();
      const [one, other] = [await open({ timeout: '300ms' }), await open({ timeout: '300ms' })];
      const loader = jest.fn(() => sleep(50, 'new'));
      const callers = [one, other].map(({ cache }) => cache.resolve('killed', loader));
      expect((await Promise.all(callers)).map(({ value }) => value)).toEqual(['new', 'new']);
      expect(loader).toHaveBeenCalledTimes(1);
    });
  });
});
