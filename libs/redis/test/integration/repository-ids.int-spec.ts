import { describe, expect, it } from '@jest/globals';
import { EntityId, Indexed, RedisEntity } from '../../src/index.js';
import { collect } from '../../src/testing/contract/fixture.js';
import { caught } from './support/caught.js';
import { onEveryTopology } from './support/repository-servers.js';

@RedisEntity({ kind: 'thing' })
class Thing {
  @EntityId() id!: string;
  @Indexed({ unique: true }) name!: string;
  @Indexed() group!: string;
}

@RedisEntity({ kind: 'item' })
class Item {
  @EntityId() id!: number;
  @Indexed() group!: string;
}

const HOSTILE = [
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'a:b',
  'a%3Ab',
  '%',
  '*',
  '?',
  '[a-z]',
  '{x}',
  '{}',
  '\\',
  '\0',
  'line\nbreak',
  ' ',
  'ä€😀',
  'e\u0301',
  '\u00e9',
  '0',
  '-1',
  'null',
  'undefined',
  'NaN',
  'x'.repeat(100_000),
];

const LONE = ['\ud800', '\udfff', 'a\ud800b', 'a\udfffb'];

describe('Ids', () => {
  onEveryTopology((stage) => {
    it('may be any text, and never collide', async () => {
      const things = stage.repository(Thing);
      const entities = [...HOSTILE, ...LONE].map((id) => ({ id, name: `n${id}`, group: '' }));
      await things.saveAll(entities);
      const ids = entities.map(({ id }) => id);
      for (const entity of entities) expect(await things.getById(entity.id)).toEqual(entity);
      expect([...(await things.getAll(ids)).values()]).toEqual(entities);
      expect((await collect(things.ids())).sort()).toEqual([...ids].sort());
      expect(await things.count()).toBe(ids.length);
      for (const id of ids) {
        expect(await things.update(id, { group: id })).toMatchObject({ id, group: id });
        expect(await things.exists(id)).toBe(true);
        expect(await things.expire(id, '1m')).toBe(true);
      }
      expect(await things.deleteAll(ids)).toBe(ids.length);
      expect(await things.count()).toBe(0);
    });

    it('and values of indexes may be any text', async () => {
      const things = stage.repository(Thing);
      const long = 'z'.repeat(300);
      const texts = [
        '',
        ...HOSTILE,
        ...LONE,
        `${long}\ud800`,
        `${long}\udfff`,
        'y'.repeat(1024 * 1024),
      ];
      const entities = texts.map((text, i) => ({ id: `${i}`, name: text, group: text }));
      await things.saveAll(entities);
      for (const entity of entities) {
        expect(await things.findBy({ name: entity.name })).toEqual([entity]);
        expect(await things.findBy({ group: entity.group })).toEqual([entity]);
      }
    });

    it('of found entities may be any text', async () => {
      const things = stage.repository(Thing);
      await things.saveAll(HOSTILE.map((id) => ({ id, name: `n${id}`, group: 'all' })));
      const found = await things.findBy({ group: 'all' });
      expect(found.map(({ id }) => id).sort()).toEqual([...HOSTILE].sort());
      for (const id of HOSTILE) expect((await things.findOneBy({ name: `n${id}` }))?.id).toBe(id);
    });

    it.each(LONE)('of found entities may have lone surrogates: %j', async (id) => {
      const things = stage.repository(Thing);
      await things.save({ id, name: 'one', group: 'all' });
      expect((await things.findBy({ group: 'all' })).map((thing) => thing.id)).toEqual([id]);
      expect((await things.findOneBy({ name: 'one' }))?.id).toBe(id);
      const rival = things.save({ id: 'other', name: 'one', group: 'all' });
      expect((await caught(rival)).name).toBe('RedisConflictException');
    });

    it('come back as numbers if they are numbers', async () => {
      const items = stage.repository(Item);
      const ids = [0, 1, -1, 1.5, 1e21, Number.MAX_SAFE_INTEGER, 5e-324];
      await items.saveAll(ids.map((id) => ({ id, group: 'all' })));
      const sorted = [...ids].sort((a, b) => a - b);
      expect((await collect(items.ids())).sort((a, b) => a - b)).toEqual(sorted);
      expect([...(await items.getAll(ids)).keys()]).toEqual(ids);
      const found = await items.findBy({ group: 'all' });
      expect(found.map(({ id }) => id).sort((a, b) => a - b)).toEqual(sorted);
      expect((await items.getById(1))?.id).toBe(1);
      expect((await items.getById('1' as unknown as number))?.id).toBe(1);
      expect(await items.update(0, { group: 'zero' })).toEqual({ id: 0, group: 'zero' });
      expect(await items.getById(-0)).toEqual({ id: 0, group: 'zero' });
    });

    it.each(['', undefined, null, NaN, Infinity, {}, [], true])(
      'that are invalid are refused before a command is sent: %p',
      async (given) => {
        const id = given as string;
        const things = stage.repository(Thing);
        const thing = { id, name: 'n', group: 'g' };
        const doings = [
          () => things.getById(id),
          () => things.getById(id, { timeout: '1s' }),
          () => things.getByIdOrFail(id),
          () => things.getAll(['1', id]),
          () => things.save(thing),
          () => things.saveAll([thing]),
          () => things.update(id, {}),
          () => things.delete(id),
          () => things.deleteAll(['1', id]),
          () => things.exists(id),
          () => things.expire(id, '1m'),
        ];
        for (const doing of doings) {
          expect((await caught(doing())).name).toBe('RedisInvalidKeyException');
        }
        expect(await things.count()).toBe(0);
      },
    );
  });
});
