/** A cache whose invalidations count as done when replicas have them: its option `invalidation`. */
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { eventually } from '../../../../test/support/time.js';
import { describeWithRealRedis } from '../../../../test/support/real-redis.js';
import { KeyBuilder, type RedisBatchException, type RedisCacheOptions } from '../../src/index.js';
import { startRedis, startReplica, type RedisTestServer } from '../../src/testing/index.js';
import { sendCommand } from '../../src/testing/redis-command.js';
import { CacheKeys } from '../../src/cache/cache-keys.js';
import { listenedCache } from './support/cache-stage.js';
import { caught } from './support/caught.js';
import { openConnection, type OpenConnection } from './support/open-connection.js';

const keys = new KeyBuilder({ app: 'test', environment: 'confirmed' });
const ENTRY = new CacheKeys(keys, 'default').of('x').entry;
const TAGGED = { tags: ['t'] };
const ONE = { invalidation: { replicas: 1, timeout: '10s' } } as const;
/** For what is not confirmed: what is to be confirmed has longer on a busy machine. */
const ONE_QUICKLY = { invalidation: { replicas: 1, timeout: '50ms' } } as const;
/** For a test in which one thing is confirmed and another is not. */
const ONE_SOON = { invalidation: { replicas: 1, timeout: '1s' } } as const;

describeWithRealRedis('An invalidation that replicas have to confirm on one server', () => {
  let primary: RedisTestServer;
  let replicas: RedisTestServer[];
  const connections: OpenConnection[] = [];

  beforeEach(async () => {
    primary = await startRedis({ args: ['--repl-diskless-sync-delay', '0'] });
    replicas = [await startReplica(primary)];
  });
  afterEach(async () => {
    for (const replica of replicas) replica.thaw();
    await Promise.all(connections.splice(0).map((connection) => connection.close()));
    await Promise.all([primary, ...replicas].map((server) => server.stop()));
  });

  async function open(options: RedisCacheOptions = ONE, url = primary.url) {
    const connection = await openConnection({ url });
    connections.push(connection);
    return { connection, ...listenedCache(connection.client, keys, options) };
  }
  const store = async (...names: string[]) => {
    const { cache } = await open({});
    for (const name of names) await cache.set(name, 'old', TAGGED);
  };
  const freeze = () => {
    replicas.forEach((replica) => replica.freeze());
  };
  const onReplica = (...command: string[]) =>
    sendCommand(replicas[0] as RedisTestServer, ...(command as [string]));
  const callsOf = async (command: string) => {
    const stats = String(await sendCommand(primary, 'INFO', 'commandstats'));
    return Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(stats)?.[1] ?? 0);
  };
  const blocked = async () => {
    const list = String(await sendCommand(primary, 'CLIENT', 'LIST'));
    return list.split('\n').filter((client) => client.includes('flags=b')).length;
  };
  const unconfirmed = (replicas = 1, confirmed = 0) =>
    expect.objectContaining({
      name: 'RedisUnconfirmedException',
      code: 'REDIS_UNCONFIRMED',
      reason: 'late',
      timeoutMs: 50,
      replicas,
      confirmed,
    });

  it('is done when a replica has it', async () => {
    const { cache } = await open();
    for (let i = 0; i < 20; i++) {
      await cache.set('x', i, TAGGED);
      expect(await onReplica('EXISTS', ENTRY)).toBe(1);
      await cache.invalidateTags('t');
      expect(await onReplica('EXISTS', keys.tagKey('t'))).toBe(0);
      expect(await cache.delete('x')).toBe(true);
      expect(await onReplica('EXISTS', ENTRY)).toBe(0);
      await cache.set('x', i, TAGGED);
      expect(await cache.invalidatePattern('*')).toBe(1);
      expect(await onReplica('EXISTS', ENTRY)).toBe(0);
    }
  });

  it('rejects if no replica confirms it in time, and is done on the primary', async () => {
    const { cache, of } = await open(ONE_QUICKLY);
    await store('x', 'y');
    freeze();
    const error = (await caught(cache.invalidateTags('t'))) as RedisBatchException;
    expect(error.errors.get('t')).toEqual(unconfirmed());
    expect(error.errors.get('t')?.message).toMatch(
      /done on the primary.*not confirmed by a replica/,
    );
    expect(await caught(cache.delete('y'))).toEqual(unconfirmed());
    expect(await caught(cache.set('y', 'new'))).toEqual(unconfirmed());
    expect(await caught(cache.invalidatePattern('y'))).toEqual(unconfirmed());
    expect(await cache.get('x')).toBeUndefined();
    expect(await cache.get('y')).toBeUndefined();
    expect(of('cache.invalidation').map(({ by, failed }) => [by, failed])).toEqual([
      ['tag', 1],
      ['key', 1],
      ['pattern', 1],
    ]);
    expect(cache.isBypassed).toBe(false); // the primary answers
  });

  it('rejects without a replica, and says so once', async () => {
    const { cache, connection } = await open(ONE_QUICKLY);
    await replicas[0]?.stop();
    for (let i = 0; i < 2; i++) {
      expect(await caught(cache.delete('x'))).toEqual(unconfirmed());
    }
    expect(connection.events).toContainEqual(
      expect.objectContaining({ type: 'connection.warning', about: 'no-replica-confirms' }),
    );
  });

  it('waits for as many replicas as are demanded', async () => {
    replicas.push(await startReplica(primary));
    const two = { invalidation: { replicas: 2, timeout: '50ms' } } as const;
    const { cache } = await open({ invalidation: { replicas: 2, timeout: '10s' } });
    await cache.invalidateTags('t');
    replicas[1]?.freeze();
    expect(await caught((await open(two)).cache.delete('x'))).toEqual(unconfirmed(2, 1));
    await (await open(ONE)).cache.delete('x');
  });

  it('is confirmed together with all others of its time', async () => {
    const { cache } = await open();
    await cache.invalidateTags('t');
    const before = await callsOf('wait');
    await Promise.all(Array.from({ length: 100 }, (_, i) => cache.invalidateTags(`t${i}`)));
    expect((await callsOf('wait')) - before).toBeLessThanOrEqual(2);
  });

  it('delays no reads while it waits', async () => {
    const { cache } = await open();
    await cache.set('x', 'kept');
    freeze();
    let isDone = false;
    const invalidating = cache.invalidateTags('t').then(() => (isDone = true));
    await eventually(async () => expect(await blocked()).toBe(1));
    for (let i = 0; i < 10; i++) expect(await cache.get('x')).toBe('kept');
    expect(isDone).toBe(false);
    replicas[0]?.thaw();
    await invalidating;
  });

  it('counts as executed on the primary before it is confirmed', async () => {
    const [one, other] = [await open(), await open({})];
    await one.cache.set('x', 'old', TAGGED);
    freeze();
    const invalidating = one.cache.invalidateTags('t');
    await eventually(async () => expect(await other.cache.get('x')).toBeUndefined());
    replicas[0]?.thaw();
    await invalidating;
  });

  it('is passed on also where the primary has nothing left to invalidate', async () => {
    const { cache } = await open();
    const changes = async () => {
      const info = String(await sendCommand(primary, 'INFO', 'persistence'));
      return Number(/rdb_changes_since_last_save:(\d+)/.exec(info)?.[1]);
    };
    for (const again of [
      () => cache.invalidateTags('t'),
      () => cache.delete('x'),
      () => cache.set('x', null),
    ]) {
      await again();
      const before = await changes();
      await again();
      expect(await changes()).toBeGreaterThan(before); // WAIT counts only what changes something
    }
    expect(await cache.get('x')).toBeUndefined();
    expect(await sendCommand(primary, 'DBSIZE')).toBe(0);
  });

  it('leaves writers in their list', async () => {
    const { cache } = await open();
    await cache.change({ tags: ['t'], keys: ['x'] }, async () => {
      await cache.invalidateTags('t');
      await cache.delete('x');
      for (let i = 0; i < 2; i++) {
        expect(await cache.resolve('x', () => 'old', TAGGED)).toMatchObject({ status: 'miss' });
      }
      expect(await onReplica('GET', keys.tagKey('t'))).toMatch(/^w:/);
    });
    expect(await onReplica('EXISTS', keys.tagKey('t'))).toBe(0);
  });

  it('is confirmed by a full server', async () => {
    const { cache } = await open();
    await cache.set('x', 'old', TAGGED);
    await sendCommand(primary, 'CONFIG', 'SET', 'maxmemory', '1');
    await cache.invalidateTags('t');
    await cache.delete('x');
    await cache.delete('x');
    expect(await onReplica('EXISTS', keys.tagKey('t'))).toBe(0);
  });

  it('is repeated by the outbox until it is confirmed', async () => {
    const { cache, of } = await open({ ...ONE_QUICKLY, outbox: true });
    await store('x');
    const version = await sendCommand(primary, 'GET', keys.tagKey('t'));
    freeze();
    await cache.invalidateTags('t');
    expect(await cache.delete('x')).toBe(false);
    expect(of('cache.invalidation').at(-1)).toMatchObject({ failed: 0, pending: 2 });
    expect(await cache.resolve('x', () => 'new', TAGGED)).toMatchObject({ value: 'new' });
    replicas[0]?.thaw();
    await eventually(() => expect(of('cache.invalidation').at(-1)).toMatchObject({ pending: 0 }));
    expect(await onReplica('GET', keys.tagKey('t'))).not.toBe(version);
    expect(await cache.close()).toBe(0);
  });

  describeWithRealRedis('and a change', () => {
    const WHAT = { tags: ['t'], keys: ['x'] };

    it('is announced and withdrawn when a replica has it', async () => {
      const { cache } = await open();
      await cache.set('x', 'old', TAGGED);
      await cache.change(WHAT, async () => {
        expect(await onReplica('GET', keys.tagKey('t'))).toMatch(/^w:/);
        expect(await onReplica('EXISTS', ENTRY)).toBe(0);
      });
      expect(await onReplica('DBSIZE')).toBe(0);
    });

    it('is not made if its announcement is not confirmed and the cache is closed', async () => {
      const { cache } = await open({ ...ONE_QUICKLY, onOutage: 'closed' });
      freeze();
      let isMade = false;
      const error = await caught(cache.change(WHAT, () => (isMade = true)));
      expect(error).toEqual(unconfirmed());
      expect(isMade).toBe(false);
      await eventually(async () => expect(await sendCommand(primary, 'DBSIZE')).toBe(0));
    });

    it('counts as not announced if the cache is open', async () => {
      const { cache } = await open(ONE_QUICKLY);
      freeze();
      const error = await caught(cache.change(WHAT, () => 'made'));
      expect(error).toMatchObject({
        name: 'RedisInvalidationException',
        tags: ['t'],
        keys: ['x'],
        result: 'made',
        cause: unconfirmed(),
      });
    });

    it('is done if its end is confirmed, whatever became of its announcement', async () => {
      const { cache } = await open(ONE_SOON);
      freeze();
      const thaw = () => replicas[0]?.thaw();
      await expect(cache.change({ tags: ['t'] }, thaw)).resolves.toBeUndefined();
      expect(await onReplica('EXISTS', keys.tagKey('t'))).toBe(0);
    });

    it('is done if its announcement is confirmed, and its end is repeated', async () => {
      const { cache, of } = await open(ONE_SOON);
      await cache.change({ tags: ['t'] }, freeze);
      expect(of('cache.invalidation').at(-1)).toMatchObject({ failed: 0, pending: 1 });
      replicas[0]?.thaw();
      await eventually(() => expect(of('cache.invalidation').at(-1)).toMatchObject({ pending: 0 }));
    });
  });

  it('says once that the server does not execute WAIT, and is not kept in the outbox', async () => {
    const deaf = await startRedis({ args: ['--rename-command', 'WAIT', ''] });
    replicas.push(deaf);
    const { cache, connection } = await open({ ...ONE, outbox: true }, deaf.url);
    for (let i = 0; i < 2; i++) {
      expect(await caught(cache.delete('x'))).toMatchObject({
        name: 'RedisUnconfirmedException',
        reason: 'refused',
        message: expect.stringContaining('option invalidation') as unknown,
      });
    }
    expect(connection.events).toContainEqual(
      expect.objectContaining({ type: 'connection.warning', about: 'wait-refused' }),
    );
    expect(await cache.close()).toBe(0);
  });

  it('uses one further connection, from the first invalidation to the end of the cache', async () => {
    const clients = async () =>
      String(await sendCommand(primary, 'CLIENT', 'LIST', 'TYPE', 'normal'))
        .trim()
        .split('\n').length;
    const { cache, connection } = await open();
    const before = await clients();
    await Promise.all([cache.invalidateTags('t'), cache.delete('x')]);
    await cache.change(TAGGED, () => undefined);
    expect(await clients()).toBe(before + 1);
    await cache.close();
    await eventually(async () => expect(await clients()).toBe(before));
    await cache.invalidateTags('t');
    expect(await clients()).toBe(before + 1);
    await connection.close();
    await eventually(async () => expect(await clients()).toBe(before - 1));
  });
});
