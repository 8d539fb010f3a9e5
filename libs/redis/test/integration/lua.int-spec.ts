import { beforeEach, describe, expect, it } from '@jest/globals';
import { NOW, READ_TEXT, TTL_OPTIONS } from '../../src/connection/driver/lua.js';
import { describeWithRealRedis } from '../../../../test/support/real-redis.js';
import {
  newToken,
  ownerOf,
  READ_OWNERSHIP,
  settledOwnership,
} from '../../src/repository/indexes/ownership.js';
import {
  ADD_ENTRY,
  EXPIRE_WITH_LAST,
  FORGET_VERSION,
  randomMargin,
  readStored,
} from '../../src/repository/lua.js';
import { onEmbeddedServer, onOneServer, type Stage } from './support/repository-servers.js';

const suite = (stage: Stage) => {
  describe('A piece of Lua', () => {
    let key: string;

    beforeEach(() => {
      key = stage.keys().key('text', '1');
    });

    const run = (script: string, ...args: string[]) => stage.client.eval(script, 1, key, ...args);

    describe('now()', () => {
      it('tells the time of the server in whole milliseconds', async () => {
        const [seconds, microseconds, now] = (await run(`
          ${NOW}
          local time = redis.call('TIME')
          return {time[1], time[2], string.format('%.17g', now())}
        `)) as string[];
        const expected = Number(seconds) * 1_000 + Math.floor(Number(microseconds) / 1_000);
        expect(Number.isInteger(Number(now))).toBe(true);
        expect(Number(now) - expected).toBeGreaterThanOrEqual(0);
        expect(Number(now) - expected).toBeLessThan(60_000);
      });
    });

    describe('read_text()', () => {
      const read = () => run(`${READ_TEXT} return {type(read_text(KEYS[1])), read_text(KEYS[1])}`);

      it('reads a text, an empty one too', async () => {
        await stage.client.set(key, 'text');
        expect(await read()).toEqual(['string', 'text']);
        await stage.client.set(key, '');
        expect(await read()).toEqual(['string', '']);
      });

      it('takes a key of another type for one that is not there', async () => {
        expect(await read()).toEqual(['boolean', null, null]);
        await stage.client.rpush(key, 'item');
        expect(await read()).toEqual(['boolean', null, 1]); // and says that there is one
      });
    });

    describe('ttl_options()', () => {
      const set = (ttl: string) =>
        run(`${TTL_OPTIONS} return redis.call('SET', KEYS[1], 'new', ttl_options(ARGV[1]))`, ttl);
      const left = async () => {
        expect(await stage.client.get(key)).toBe('new');
        return stage.client.pttl(key);
      };

      it('lets a text live for some milliseconds', async () => {
        await set('90000');
        const ms = await left();
        expect(ms).toBeGreaterThan(0);
        expect(ms).toBeLessThanOrEqual(90_000);
      });

      it('lets a text live forever', async () => {
        await stage.client.set(key, 'old', 'PX', 90_000);
        await set('forever');
        expect(await left()).toBe(-1);
      });

      it('keeps the time that is left, and none where there is none', async () => {
        await set('keep');
        expect(await left()).toBe(-1);
        await stage.client.set(key, 'old', 'PX', 90_000);
        await set('keep');
        const ms = await left();
        expect(ms).toBeGreaterThan(0);
        expect(ms).toBeLessThanOrEqual(90_000);
      });
    });

    describe('forget_version()', () => {
      it('removes a version, and lets pass what may remove it', async () => {
        await stage.client.set(key, 'v1');
        await run(`${FORGET_VERSION} refuse_unless_forgettable(KEYS[1]) forget_version(KEYS[1])`);
        expect(await stage.client.exists(key)).toBe(0);
      });
    });

    describe('add_entry()', () => {
      const add = (id: string, ttl: string, margin = randomMargin()) =>
        run(
          `${NOW} ${EXPIRE_WITH_LAST} ${ADD_ENTRY} add_entry(KEYS[1], ARGV[1], ARGV[2], ARGV[3])`,
          id,
          ttl,
          margin,
        );
      const addAtLeast = (id: string, ttl: string) =>
        run(
          `${NOW} ${EXPIRE_WITH_LAST} ${ADD_ENTRY} add_entry(KEYS[1], ARGV[1], ARGV[2], 60000, true)`,
          id,
          ttl,
        );
      const scoreOf = async (id: string) => Number(await stage.client.zscore(key, id));

      it('scores an entry with the expiry of its entity plus the margin', async () => {
        const before = Date.now();
        await add('1', '3600000', '60000.5');
        const expected = before + 3_600_000 + 60_000;
        const score = await scoreOf('1');
        expect(score % 1).not.toBe(0);
        expect(score).toBeGreaterThan(expected - 60_000);
        expect(score).toBeLessThan(expected + 60_000);
      });

      it('lets the set expire with its last entry, and not at all with one that does not', async () => {
        await add('1', '3600000');
        expect(await stage.client.pttl(key)).toBeGreaterThan(3_600_000);
        await add('2', 'forever');
        expect(await stage.client.pttl(key)).toBe(-1);
        await stage.client.zrem(key, '2');
        await run(`${EXPIRE_WITH_LAST} expire_with_last(KEYS[1])`);
        expect(await stage.client.pttl(key)).toBeGreaterThan(0);
      });

      it('drops what has expired', async () => {
        await stage.client.zadd(key, 1, 'gone');
        await add('1', '60000');
        expect(await stage.client.zrange(key, '0', '-1')).toEqual(['1']);
      });

      it('keeps an entry that lasts longer where that is asked for, with a score of its own', async () => {
        await add('1', '3600000');
        const longer = await scoreOf('1');
        await addAtLeast('1', '60000');
        expect((await scoreOf('1')) - longer).toBeGreaterThan(0);
        expect((await scoreOf('1')) - longer).toBeLessThan(60_000);
        await add('1', '60000');
        expect(await scoreOf('1')).toBeLessThan(longer);
      });
    });

    describe('owner_of() and is_reserved()', () => {
      const read = (ownership: string) =>
        run(
          `${NOW} ${READ_OWNERSHIP} return {owner_of(ARGV[1]), is_reserved(ARGV[1]) and 1 or 0}`,
          ownership,
        );
      const token = newToken();
      const reserved = (untilMs: number) => `${token}:${String(untilMs).padStart(13, '0')}:a:é`;

      it.each([
        ['settled', settledOwnership(token, 'a:é'), 'a:é', 0],
        ['reserved', reserved(Date.now() + 3_600_000), 'a:é', 1],
        ['reserved until a time that is over', reserved(Date.now() - 3_600_000), 'a:é', 0],
        ['no ownership', 'something foreign', '', 0],
        ['empty', '', '', 0],
      ])('read what is %s', async (_, ownership, owner, isReserved) => {
        expect(await read(ownership)).toEqual([owner, isReserved]);
        expect(ownerOf(ownership)).toBe(owner);
      });
    });

    describe('readStored()', () => {
      it('reads a text, and null for a key of another type', async () => {
        expect(await readStored(stage.client, key)).toBeNull();
        await stage.client.set(key, 'text');
        expect(await readStored(stage.client, key)).toBe('text');
        await stage.client.del(key);
        await stage.client.rpush(key, 'item');
        expect(await readStored(stage.client, key)).toBeNull();
      });
    });
  });
};

onOneServer(suite);
onEmbeddedServer(suite);

onOneServer((stage) => {
  describeWithRealRedis('read_text()', () => {
    it('raises what forbids a key, instead of taking it for one that is not there', async () => {
      const keys = stage.keys();
      const user = keys.environment;
      const key = keys.key('text', '1');
      const other = keys.key('text', '2');
      const rule = ['on', 'nopass', `~${other}`, '+@all'];
      const forbidden = await stage.open();
      await stage.client.call('ACL', 'SETUSER', user, ...rule);
      await forbidden.call('AUTH', user, 'any');
      const read = (of: string) => forbidden.eval(`${READ_TEXT} return read_text(ARGV[1])`, 0, of);
      expect(await read(other)).toBeNull();
      await expect(read(key)).rejects.toThrow(
        /can't access at least one of the keys|No permissions to access a key/,
      );
    });
  });
});
