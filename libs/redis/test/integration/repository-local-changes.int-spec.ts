import { describe, expect, it } from '@jest/globals';
import type { Command } from 'ioredis';
import {
  EntityId,
  Indexed,
  RedisBatch,
  RedisEntity,
  RedisRepository,
  type RedisClient,
} from '../../src/index.js';
import { connectionOf } from '../../src/connection/connection.js';
import { LocalChanges } from '../../src/connection/local-changes.js';
import type { EntityClass } from '../../src/repository/entity/entity-schema.js';
import { caught } from './support/caught.js';
import { onEveryTopology } from './support/repository-servers.js';

@RedisEntity({ kind: 'told', ttl: '1h' })
class Plain {
  @EntityId() id!: string;
  code!: string;
  group!: string;
}

@RedisEntity({ kind: 'told-grouped', ttl: '1h' })
class Grouped extends Plain {
  @Indexed() declare group: string;
}

@RedisEntity({ kind: 'told-unique', ttl: '1h' })
class Unique extends Plain {
  @Indexed({ unique: true }) declare code: string;
  @Indexed() declare group: string;
}

type Some = RedisRepository<Plain>;

const entities: readonly [string, EntityClass<Plain>][] = [
  ['without indexes', Plain],
  ['with an index', Grouped],
  ['with a unique one', Unique],
];

const one = (id: string, changes: Partial<Plain> = {}): Plain => ({
  id,
  code: `code-${id}`,
  group: 'g',
  ...changes,
});

/** Each kind of write, and the ids of the entities that it writes. */
const writes: readonly [string, (some: Some) => Promise<unknown>, ids: readonly string[]][] = [
  ['save', (some) => some.save(one('1')), ['1']],
  ['save others', (some) => some.save(one('1', { code: 'c', group: 'h' })), ['1']],
  [
    'save in one turn',
    (some) => Promise.all(['1', '2'].map((id) => some.save(one(id)))),
    ['1', '2'],
  ],
  ['saveAll', (some) => some.saveAll([one('1'), one('3')]), ['1', '3']],
  ['update', (some) => some.update('1', { group: 'h' }), ['1']],
  ['delete', (some) => some.delete('1'), ['1']],
  ['deleteAll', (some) => some.deleteAll(['1', '2']), ['1', '2']],
  ['expire', (some) => some.expire('1', '1m'), ['1']],
  ['expire forever', (some) => some.expire('1', 'forever'), ['1']],
];

describe('A connection tells of its changes', () => {
  onEveryTopology((stage) => {
    describe.each(entities)('of entities %s', (_, entity) => {
      it.each(writes)('before and after: %s', async (_, write, ids) => {
        const client = await stage.open();
        const some: Some = new RedisRepository(client, stage.keys(), entity);
        await some.saveAll([one('1'), one('2')]);
        const heard = hear(client);
        await write(some);
        for (const id of ids) {
          const events = eventsOf(some.dependencyOn(id).version, heard);
          expect(events).toContain('answered');
          expect([events.at(0), events.at(-1)]).toEqual(['told', 'told']);
        }
      });

      it('also of a save that fails', async () => {
        const client = await stage.open();
        const some: Some = new RedisRepository(client, stage.keys(), entity);
        const heard = hear(client);
        client.disconnect();
        expect(await caught(some.save(one('1')))).toBeInstanceOf(Error);
        const told = heard.filter(({ event }) => event === 'told');
        expect(told.map(({ keys }) => keys)).toEqual(
          Array(2).fill([some.dependencyOn('1').version]),
        );
      });
    });

    it('also of a save that is refused', async () => {
      const client = await stage.open();
      const some: Some = new RedisRepository(client, stage.keys(), Unique);
      await some.saveAll([one('1'), one('2')]);
      const heard = hear(client);
      expect((await caught(some.save(one('1', { code: 'code-2' })))).name).toBe(
        'RedisConflictException',
      );
      const told = { event: 'told', keys: [some.dependencyOn('1').version] };
      expect([heard.at(0), heard.at(-1)]).toEqual([told, told]);
    });

    it.each<[string, (batch: RedisBatch, keys: string[]) => Promise<unknown>]>([
      ['setAll', (batch, keys) => batch.setAll(Object.fromEntries(keys.map((key) => [key, 1])))],
      ['incrementAll', (batch, keys) => batch.incrementAll(keys)],
      ['deleteAll', (batch, keys) => batch.deleteAll(keys)],
    ])('of each key of a batch, before and after: %s', async (_, write) => {
      const client = await stage.open();
      const space = stage.keys();
      const keys = [space.counterKey(1), space.counterKey(2)];
      const heard = hear(client);
      await write(new RedisBatch(client), keys);
      for (const key of keys) {
        const events = eventsOf(key, heard);
        expect(events).toContain('answered');
        expect([events.at(0), events.at(-1)]).toEqual(['told', 'told']);
      }
    });
  });
});

interface Heard {
  readonly event: 'told' | 'answered';
  readonly keys: readonly unknown[];
}

/** Records, from now on, each telling and each answer of the server, the latter by the arguments of its command. */
function hear(client: RedisClient): Heard[] {
  const heard: Heard[] = [];
  connectionOf(client)
    .part(LocalChanges)
    .listen((keys) => heard.push({ event: 'told', keys }));
  const send = client.sendCommand.bind(client);
  client.sendCommand = (command: Command, ...rest: never[]) => {
    const answered = () => heard.push({ event: 'answered', keys: command.args });
    command.promise.then(answered, answered);
    return send(command, ...rest);
  };
  return heard;
}

const eventsOf = (key: string, heard: readonly Heard[]) =>
  heard.filter(({ keys }) => keys.includes(key)).map(({ event }) => event);
