import { beforeEach, describe, expect, it } from '@jest/globals';
import { Type } from 'class-transformer';
import { IsInt } from 'class-validator';
import {
  EntityId,
  Indexed,
  RedisEntity,
  RedisRepository,
  RedisSerializationException,
  type KeyBuilder,
  type RedisBatchException,
} from '../../src/index.js';
import { caught } from './support/caught.js';
import { onEveryTopology } from './support/repository-servers.js';

class Address {
  street!: string;
  @Type(() => Date) since!: Date;
}

@RedisEntity({ kind: 'person' })
class Person {
  @EntityId() id!: string;
  @Indexed() city!: string;
  @Indexed({ unique: true }) nick!: string;
  @Type(() => Date) born!: Date;
  @Type(() => Address) home!: Address;
  @Type(() => Address) others!: Address[];
}

@RedisEntity({ kind: 'strict', validateOnRead: true })
class Strict {
  @EntityId() id!: string;
  @IsInt() age!: number;
}

@RedisEntity({ kind: 'plain' })
class Plain {
  @EntityId() id!: string;
}

@RedisEntity({ kind: 'numbered' })
class Numbered {
  @EntityId() id!: number;
}

const SECRET = 'hunter2';

function person(id: string, changes: object = {}): Person {
  const home = { street: SECRET, since: new Date(0) };
  const born = new Date(1);
  return { id, city: 'Rome', nick: id, born, home, others: [home], ...changes };
}

const corruptions: readonly [what: string, text: string][] = [
  ['no JSON', `{"id":"2","city":"${SECRET}`],
  ['empty', ''],
  ['a JSON string', `"${SECRET}"`],
  ['a JSON number', '5'],
  ['null', 'null'],
  ['an array', `["${SECRET}"]`],
  ['of another id', JSON.stringify(person('other'))],
  ['without an id', JSON.stringify(person('2', { id: undefined }))],
  ['with an object as its id', JSON.stringify(person('2', { id: { toString: SECRET } }))],
  ['with a date that is none', JSON.stringify(person('2', { born: SECRET }))],
  ['with a nested text that is no object', JSON.stringify(person('2', { home: SECRET }))],
  ['with a nested date that is none', JSON.stringify(person('2', { home: { since: SECRET } }))],
  ['with a list of which one is no object', JSON.stringify(person('2', { others: [{}, SECRET] }))],
];

describe('Stored data that is not an entity', () => {
  onEveryTopology((stage) => {
    let keys: KeyBuilder;
    let people: RedisRepository<Person>;
    beforeEach(async () => {
      keys = stage.keys();
      people = new RedisRepository(stage.client, keys, Person);
      await people.saveAll([person('1'), person('2'), person('3')]);
    });
    const corrupt = (text: string) => stage.client.set(keys.key('person', '2'), text);

    /** Expects an error that names the key; neither it nor its cause shows what is stored. */
    function expectCorrupt(error: unknown, key = keys.key('person', '2')): void {
      expect(error).toMatchObject({ name: 'RedisSerializationException', key });
      const { message, stack, cause } = error as Error;
      expect(message).toContain(key);
      expect([message, stack, String(cause)].join()).not.toContain(SECRET);
    }

    it.each(corruptions)('is refused with the name of its key: %s', async (_, text) => {
      await corrupt(text);
      expectCorrupt(await caught(people.getById('2')));
      expectCorrupt(await caught(people.getByIdOrFail('2')));
      expectCorrupt(await caught(people.update('2', { city: 'Paris' })));
      const failure = (await caught(people.getAll(['1', '2', '3']))) as RedisBatchException<Person>;
      expect(failure.name).toBe('RedisBatchException');
      expect([...failure.errors.keys()]).toEqual(['2']);
      expectCorrupt(failure.errors.get('2'));
      expect([...failure.results]).toEqual([
        ['1', person('1')],
        ['3', person('3')],
      ]);
      expect(await stage.client.get(keys.key('person', '2'))).toBe(text);
    });

    it.each(corruptions)('is never returned in part by a search: %s', async (_, text) => {
      await corrupt(text);
      const outcome = await people.findBy({ city: 'Rome' }).catch((error: unknown) => error);
      if (outcome instanceof Error) {
        const { errors, results } = outcome as RedisBatchException<Person>;
        expectCorrupt(errors.get('2'));
        expect([...results.keys()].sort()).toEqual(['1', '3']);
      } else {
        expect((outcome as Person[]).map(({ id }) => id).sort()).toEqual(['1', '3']);
      }
    });

    it.each(corruptions)(
      'ends an iteration with an error, or is left out on request: %s',
      async (_, text) => {
        await corrupt(text);
        expectCorrupt(await caught(all(people.entities())));
        expectCorrupt(
          await caught(people.page({ limit: 1000 }).then((page) => nextUntilEnd(page))),
        );
        const told: RedisSerializationException[] = [];
        const onCorrupt = (error: RedisSerializationException) => told.push(error);
        const found = await all(people.entities({ onCorrupt }));
        expect(found.map(({ id }) => id).sort()).toEqual(['1', '3']);
        told.forEach((error) => {
          expectCorrupt(error);
        });
        expect(told.length).toBeGreaterThan(0);
        expect((await all(people.ids())).sort()).toEqual(['1', '2', '3']);
      },
    );

    it.each(corruptions)('can be replaced and deleted: %s', async (_, text) => {
      await corrupt(text);
      expect(await people.exists('2')).toBe(true);
      await people.save(person('2', { city: 'Paris' }));
      expect(await people.getById('2')).toEqual(person('2', { city: 'Paris' }));
      expect((await people.findBy({ city: 'Paris' })).map(({ id }) => id)).toEqual(['2']);
      expect((await people.findBy({ city: 'Rome' })).map(({ id }) => id).sort()).toEqual([
        '1',
        '3',
      ]);
      await corrupt(text);
      expect(await people.delete('2')).toBe(true);
      expect(await people.getById('2')).toBeNull();
    });

    it.each(corruptions)('is not shown by an exception of expire: %s', async (_, text) => {
      await corrupt(text);
      const failure = await people.expire('2', '1h').then(
        () => undefined,
        (error: unknown) => error,
      );
      if (failure) expectCorrupt(failure);
    });

    async function nextUntilEnd(page: { readonly cursor: string | null }): Promise<void> {
      for (let { cursor } = page; cursor !== null;) ({ cursor } = await people.page({ cursor }));
    }

    it('must pass the validation rules if the class says so', async () => {
      const stricts = new RedisRepository(stage.client, keys, Strict);
      const key = keys.key('strict', '1');
      await stage.client.set(key, JSON.stringify({ id: '1', age: SECRET }));
      expectCorrupt(await caught(stricts.getById('1')), key);
      expect((await caught(stricts.getById('1'))).message).toContain('age');
      const { errors } = (await caught(stricts.getAll(['1']))) as RedisBatchException;
      expectCorrupt(errors.get('1'), key);
      expectCorrupt(await caught(stricts.update('1', { age: 1 })), key);
    });

    it('is not read if it has another Redis type, but replaced and deleted', async () => {
      const plains = new RedisRepository(stage.client, keys, Plain);
      const spoil = async () => {
        for (const key of [keys.key('plain', '2'), keys.key('person', '2')]) {
          await stage.client.del(key);
          await stage.client.lpush(key, SECRET);
        }
      };
      await spoil();
      for (const repository of [plains, people]) {
        expect(await repository.getById('2')).toBeNull();
        expect((await repository.getAll(['2'])).size).toBe(0);
        expect(await repository.update('2', {})).toBeNull();
      }
      expect((await people.findBy({ city: 'Rome' })).map(({ id }) => id).sort()).toEqual([
        '1',
        '3',
      ]);
      await plains.save({ id: '2' });
      await people.save(person('2', { city: 'Paris' }));
      expect(await plains.getById('2')).toEqual({ id: '2' });
      expect(await people.findBy({ city: 'Paris' })).toEqual([person('2', { city: 'Paris' })]);
      await spoil();
      expect(await plains.delete('2')).toBe(true);
      expect(await people.delete('2')).toBe(true);
      expect(await people.exists('2')).toBe(false);
    });

    it('does not disturb entities with numbers as ids if a foreign key has no number', async () => {
      const numbered = new RedisRepository(stage.client, keys, Numbered);
      await numbered.save({ id: 1.5 });
      for (const foreign of ['abc', '1e3', '007', '0x10']) {
        await stage.client.set(keys.key('numbered', foreign), '{}');
      }
      expect(await all(numbered.ids())).toEqual([1.5]);
      expect(await all(numbered.entities())).toEqual([{ id: 1.5 }]);
      expect(await numbered.count()).toBe(1);
    });
  });
});

async function all<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const list: Item[] = [];
  for await (const item of items) list.push(item);
  return list;
}
