/** A repository at the edges: outages, foreign data, callers who change their mind. */
import 'reflect-metadata';
import type { Command } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Type } from 'class-transformer';
import { IsString, ValidateNested } from 'class-validator';
import { startRedis, type RedisTestServer } from 'nestjs-redis-data/testing';
import {
  EntityId,
  Indexed,
  KeyBuilder,
  RedisEntity,
  RedisModule,
  RedisRepository,
  type RedisBatchException,
} from '../../src/index.js';
import { describeWithRealRedis } from '../../../../test/support/real-redis.js';
import { caught } from './support/caught.js';
import { openConnection, type OpenConnection } from './support/open-connection.js';

class Street {
  @IsString() name = '';
}

@RedisEntity({ kind: 'edge' })
class Edge {
  @EntityId() id!: string;
  @Indexed() group?: string;
  @Type(() => Number) weight?: number;
  @Type(() => Date) at?: Date;
  @ValidateNested() @Type(() => Street) street?: Street;
}

@RedisEntity({ kind: 'numbered' })
class Numbered {
  @EntityId() id!: number;
}

const ids = Array.from({ length: 3_000 }, (_, i) => `${i}`);
let server: RedisTestServer;
let connection: OpenConnection;
let keys: KeyBuilder;
let edges: RedisRepository<Edge>;

beforeAll(async () => {
  server = await startRedis();
  connection = await openConnection({ url: server.url });
});
afterAll(async () => {
  await connection.close();
  await server.stop();
});
beforeEach(() => {
  keys = new KeyBuilder({ app: `edges-${Math.random()}`, environment: 'test' });
  edges = new RedisRepository(connection.client, keys, Edge);
});
const write = (id: string, json: string) => connection.client.set(keys.key('edge', id), json);

describe('A repository', () => {
  it.each<[string, string]>([
    ['a number that is none', '{"id":"1","weight":"abc"}'],
    ['a number that is an object', '{"id":"1","weight":{}}'],
    ['a date that is a boolean', '{"id":"1","at":true}'],
  ])('refuses %s', async (_, json) => {
    await write('1', json);
    expect((await caught(edges.getById('1'))).name).toBe('RedisSerializationException');
  });

  it('reports bytes that are no text, and not a conflict', async () => {
    await connection.client.set(
      keys.key('edge', '1'),
      Buffer.from('{"id":"1","group":"caf\xe9"}', 'latin1'),
    );
    const refusal = await caught(edges.update('1', { weight: 1 }));
    expect(refusal).toMatchObject({ name: 'RedisSerializationException' });
    expect(refusal.message).toContain('is not UTF-8');
  });

  it('gives up an update at its timeout if other writers are always faster', async () => {
    await edges.save({ id: '1', weight: 0 });
    let attempts = 0;
    const overtaken = async (edge: Edge) => {
      attempts++;
      await write('1', JSON.stringify({ id: '1', weight: attempts }));
      return { weight: (edge.weight ?? 0) + 100 };
    };
    const updating = edges.update('1', overtaken, { timeout: '1s' });
    expect(await caught(updating)).toMatchObject({
      name: 'RedisConflictException',
      key: keys.key('edge', '1'),
      property: undefined,
    });
    expect(attempts).toBeGreaterThan(1);
    expect(await edges.getById('1')).toMatchObject({ weight: attempts });
  });

  it('saves the entity as it was at the call, also if the caller changes it meanwhile', async () => {
    const edge = Object.assign(new Edge(), { id: '1', group: 'a', street: new Street() });
    const saving = edges.save(edge); // validated by class-validator, which takes its time
    Object.assign(edge, { id: '2', group: 'b' });
    await saving;
    expect(await edges.getById('1')).toMatchObject({ id: '1', group: 'a' });
    expect(await edges.findBy({ group: 'b' })).toEqual([]);
  });

  it('writes nothing if an index key holds another type', async () => {
    await connection.client.set(keys.key('index', 'edge', 'group', 'a'), 'foreign');
    expect((await caught(edges.save({ id: '1', group: 'a' }))).name).toBe('RedisCommandException');
    expect(await edges.exists('1')).toBe(false);
  });

  it('lets an index key expire with its last entity', async () => {
    await edges.save({ id: '1', group: 'a' }, { ttl: 'forever' });
    await edges.save({ id: '2', group: 'a' }, { ttl: '1m' });
    await edges.delete('1');
    const left = await connection.client.pttl(keys.key('index', 'edge', 'group', 'a'));
    expect(left).toBeGreaterThan(60_000);
    expect(left).toBeLessThan(180_000);
  });

  it('leaves out keys without a number if ids are numbers', async () => {
    const numbered = new RedisRepository(connection.client, keys, Numbered);
    await numbered.save({ id: 1 });
    for (const foreign of ['NaN', 'Infinity', '007', '1e3', 'x']) {
      await connection.client.set(keys.key('numbered', foreign), '{}');
    }
    const found: Numbered[] = [];
    for await (const one of numbered.entities()) found.push(one);
    expect(found).toEqual([{ id: 1 }]);
    expect((await numbered.page()).entities).toEqual([{ id: 1 }]);
  });

  it('does not scan key by key for a page with one entity', async () => {
    const foreign = ids.map((id) => [`foreign:${keys.app}:${id}`, '1']).flat();
    await connection.client.mset(...foreign);
    const before = await scans();
    await edges.page({ limit: 1 });
    expect((await scans()) - before).toBeLessThan(60);
    await connection.client.unlink(...foreign.filter((_, i) => i % 2 === 0));
  });

  async function scans(): Promise<number> {
    const statistics = await connection.client.info('commandstats');
    return Number(/cmdstat_scan:calls=(\d+)/.exec(statistics)?.[1] ?? 0);
  }

  it('cannot be made twice for one kind', () => {
    @RedisEntity({ kind: 'edge' })
    class Other {
      @EntityId() id!: string;
    }
    expect(() => RedisModule.forFeature([Edge, Other])).toThrow(/a kind, and a name, of its own/);
    expect(() => RedisModule.forFeature([Edge, Edge])).not.toThrow();
  });
});

describeWithRealRedis('A repository whose server stops answering', () => {
  it('does not ask for the remaining entities', async () => {
    const own = await startRedis();
    const { client, close } = await openConnection({ url: own.url, commandTimeout: '2s' });
    const repository = new RedisRepository(client, keys, Edge);
    await repository.saveAll(ids.map((id) => ({ id, group: 'a' })));
    await client.ping();
    const send = client.sendCommand.bind(client);
    let asked = 0;
    client.sendCommand = (command: Command) => {
      if (command.name === 'mget') {
        asked += command.args.length;
        if (asked === command.args.length) void own.kill();
      }
      return send(command);
    };
    const failure = (await caught(repository.getAll(ids))) as RedisBatchException;
    expect(failure.errors.size + failure.results.size).toBe(ids.length);
    expect(asked).toBeLessThanOrEqual(1_000);
    const saving = repository.saveAll(
      ids.map((id, i) => ({ id, ...(i % 500 === 0 && { street: { name: 7 } as never }) })),
    );
    const refused = (await caught(saving)) as RedisBatchException;
    expect(refused.errors.size).toBe(ids.length);
    await close();
    await own.stop();
  });
});
