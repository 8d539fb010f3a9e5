import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Type } from 'class-transformer';
import { IsEmail } from 'class-validator';
import { Redis } from 'ioredis';
import {
  EntityId,
  Indexed,
  KeyBuilder,
  RedisConfigurationException,
  RedisEntity,
  RedisRepository,
  type RedisBatchException,
  type RedisValidationException,
} from '../../src/index.js';
import {
  repositoryContract,
  startFaultProxy,
  startRedis,
  type RedisTestServer,
} from '../../src/testing/index.js';
import { hasRealRedis } from '../../../../test/support/real-redis.js';
import { caught } from './support/caught.js';
import { Customer, customer, customers } from './support/customer.js';
import { openConnection } from './support/open-connection.js';
import { onEveryTopology } from './support/repository-servers.js';
import { SOON_MS, timed } from '../../../../test/support/time.js';

@RedisEntity({ kind: 'note' })
class Note {
  @EntityId() id!: string;
  text!: unknown;
  @Type(() => Date) since?: Date; // of a Customer
}

@RedisEntity({ kind: 'slow-note' })
class SlowNote {
  @EntityId() id!: string;
  msToWrite!: number;
  toJSON(): object {
    busy(this.msToWrite);
    return { id: this.id };
  }
}

const keys = () => new KeyBuilder({ app: 'test', environment: 'failures' });

/** Everything that a repository can be asked for. */
const operations: readonly [
  string,
  (notes: RedisRepository<Note | Customer>) => Promise<unknown>,
][] = [
  ['getById', (some) => some.getById('1')],
  ['getByIdOrFail', (some) => some.getByIdOrFail('1')],
  ['getAll', (some) => some.getAll(['1', '2'])],
  ['save', (some) => some.save(customer(1))],
  ['saveAll', (some) => some.saveAll([customer(1), customer(2)])],
  ['update', (some) => some.update('1', {})],
  ['delete', (some) => some.delete('1')],
  ['deleteAll', (some) => some.deleteAll(['1', '2'])],
  ['exists', (some) => some.exists('1')],
  ['expire', (some) => some.expire('1', '1m')],
  ['expire forever', (some) => some.expire('1', 'forever')],
  ['ids', (some) => some.ids().next()],
  ['entities', (some) => some.entities().next()],
  ['page', (some) => some.page()],
  ['count', (some) => some.count()],
];

const TYPED = expect.stringMatching(/^Redis(Connection|Timeout)Exception$/);

/** Each of the operations fails with an exception of ours, and all of them soon. */
async function expectOutage(
  repository: RedisRepository<Customer> | RedisRepository<Note>,
): Promise<void> {
  const some = repository as RedisRepository<Note | Customer>;
  const failures = operations.map(async ([name, operation]) => {
    const error = await caught(operation(some));
    return [name, reasonOf(error).name];
  });
  const { ms, result } = await timed(() => Promise.all(failures));
  for (const [name, failure] of result) expect([name, failure]).toEqual([name, TYPED]);
  expect(ms).toBeLessThan(SOON_MS);
}

describe('A repository whose Redis is down', () => {
  it('rejects within the command timeout with an exception of the library', async () => {
    const server = await startRedis();
    const connection = await openConnection({ url: server.url, commandTimeout: '500ms' });
    const notes = new RedisRepository(connection.client, keys(), Note);
    const some = new RedisRepository(connection.client, keys(), Customer);
    await server.kill();
    await expectOutage(notes);
    await expectOutage(some);
    expect((await caught(some.findBy({ country: 'FR' }))).name).toEqual(TYPED);
    await connection.close();
    await server.stop();
  });

  it('waits no longer than the command timeout for a Redis that does not answer', async () => {
    await using server = await startRedis();
    await using proxy = await startFaultProxy(server);
    const { host, port } = proxy;
    const connection = await openConnection({ host, port, commandTimeout: '200ms' });
    proxy.stall();
    await expectOutage(new RedisRepository(connection.client, keys(), Customer));
    await proxy.heal();
    await connection.close();
  });
});

/** Blocks the event loop, as a slow toJSON does. */
function busy(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

const slow = (id: string, msToWrite: number): SlowNote =>
  Object.assign(new SlowNote(), { id, msToWrite });

/** Of an exception of many the first. */
function reasonOf(error: Error): Error {
  const { errors } = error as RedisBatchException;
  return (errors as RedisBatchException['errors'] | undefined)?.values().next().value ?? error;
}

describe('A repository in a plain script', () => {
  let server: RedisTestServer;
  let client: Redis;
  beforeEach(async () => {
    server = await startRedis();
    client = new Redis(server.port, server.host, {
      maxRetriesPerRequest: 0,
      enableOfflineQueue: false,
      retryStrategy: () => null,
    });
    client.on('error', () => undefined);
    await new Promise((resolve) => client.once('ready', resolve));
  });
  afterEach(async () => {
    client.disconnect();
    await server.stop();
  });

  it('needs a client, keys and a class, and keeps the contract', async () => {
    let space = 0;
    const open = () => {
      const keys = new KeyBuilder({ app: 'script', environment: `${++space}` });
      return new RedisRepository(client, keys, Customer);
    };
    const cases = repositoryContract<Customer>({ ...customers, open });
    // Side by side, because some wait for an expiry; a SCAN of the embedded server would miss keys.
    if (hasRealRedis) await Promise.all(cases.map(({ run }) => run()));
    else for (const { run } of cases) await run();
    expect(space).toBe(cases.length);
  });

  it('translates the errors of a client that the library did not make', async () => {
    const notes = new RedisRepository(client, keys(), Note);
    await server.kill();
    while (client.status === 'ready') await new Promise(setImmediate);
    await expectOutage(notes);
  });
});

describe('Many entities in one call', () => {
  onEveryTopology((stage) => {
    it('fail independently, with an error for each id', async () => {
      const some = stage.repository(Customer);
      await some.save(customer(1));
      const invalid = customer(2, { email: 'no-address' });
      const taken = customer(3, { email: '1@example.com' });
      const saving = some.saveAll([invalid, customer(4), taken, customer(5)]);
      const { errors, results, message } = (await caught(saving)) as RedisBatchException;
      expect([...errors.keys()]).toEqual(expect.arrayContaining(['c2', 'c3']));
      expect((errors.get('c2') as RedisValidationException).problems).toMatchObject([
        { property: 'email' },
      ]);
      expect(errors.get('c3')?.name).toBe('RedisConflictException');
      expect([...results.keys()].sort()).toEqual(['c4', 'c5']);
      expect(message).toContain('saveAll failed for 2 of 4');
      expect(await some.count()).toBe(3);
    });

    it('may be hundreds, and the last one of an id is saved', async () => {
      const notes = stage.repository(Note);
      const many = Array.from({ length: 1_300 }, (_, i) => ({ id: `${i % 1_200}`, text: i }));
      await notes.saveAll(many);
      expect(await notes.count()).toBe(1_200);
      expect((await notes.getById('5'))?.text).toBe(1_205);
      const ids = [...many.map(({ id }) => id), 'missing'];
      expect(await notes.deleteAll(ids)).toBe(1_200);
      expect(await notes.count()).toBe(0);
    });

    it('let the event loop run while they are written as JSON', async () => {
      const notes = stage.repository(SlowNote);
      let turns = 0;
      const turning = setInterval(() => turns++, 1);
      await notes.saveAll(Array.from({ length: 30 }, (_, i) => slow(`${i}`, 4)));
      clearInterval(turning);
      expect(turns).toBeGreaterThan(10);
      expect(await notes.count()).toBe(30);
    });

    it('pass on a programming error, also one that appears late', async () => {
      const reason = new TypeError('a mistake in the program');
      class Mistaken extends RedisRepository<SlowNote> {
        override save(note: SlowNote): Promise<SlowNote> {
          return note.id === 'bad' ? Promise.reject(reason) : super.save(note);
        }
      }
      const notes = new Mistaken(stage.client, stage.keys(), SlowNote);
      const saving = notes.saveAll([slow('bad', 0), slow('1', 10), slow('2', 10)]);
      expect(await caught(saving)).toBe(reason);
    });

    it('are named by their key if JSON cannot hold them', async () => {
      const notes = stage.repository(Note);
      const circle: Record<string, unknown> = {};
      circle['circle'] = circle;
      const failure = await caught(notes.save({ id: '1', text: circle }));
      expect(failure).toMatchObject({ name: 'RedisSerializationException' });
      const saving = notes.saveAll([
        { id: '1', text: 1n },
        { id: '2', text: 'fine' },
      ]);
      const { errors, results } = (await caught(saving)) as RedisBatchException;
      expect([[...errors.keys()], [...results.keys()]]).toEqual([['1'], ['2']]);
    });

    it('pass on an error that does not come from Redis', async () => {
      const notes = stage.repository(Note);
      await notes.save({ id: '1', text: '' });
      const reason = new TypeError('a mistake in the program');
      const change = () => {
        throw reason;
      };
      expect(await caught(notes.update('1', change))).toBe(reason);
    });
  });
});

describe('A class with a wrong declaration', () => {
  const make = (entity: unknown) => () =>
    new RedisRepository({} as Redis, keys(), entity as typeof Note);
  const missing = () => {
    class Nothing {
      id!: string;
    }
    return Nothing;
  };

  it.each<[string, unknown, RegExp]>([
    ['undefined, as in a circle of imports', undefined, /import each other/],
    ['null', null, /entity class/],
    ['an object', {}, /entity class/],
    ['not decorated', missing(), /@RedisEntity of Nothing[^]*@EntityId of Nothing/],
  ])('is refused with a message about the missing part: %s', (_, entity, message) => {
    expect(make(entity)).toThrow(RedisConfigurationException);
    expect(make(entity)).toThrow(message);
  });

  it.each(['', 'index', 'unique', 'cache', undefined])('is refused for the kind %p', (kind) => {
    @RedisEntity({ kind: kind as string })
    class Odd {
      @EntityId() id!: string;
    }
    expect(make(Odd)).toThrow(/@RedisEntity of Odd: kind/);
  });

  it('is refused for a time to live without a unit', () => {
    @RedisEntity({ kind: 'odd', ttl: 60 as unknown as '60s' })
    class Odd {
      @EntityId() id!: string;
    }
    expect(make(Odd)).toThrow(/Odd\.ttl/);
    const options = { defaultTtl: 5 as unknown as '5s' };
    expect(() => new RedisRepository({} as Redis, keys(), Note, options)).toThrow(/defaultTtl/);
  });

  it('is refused if another class has its kind on the same connection', () => {
    @RedisEntity({ kind: 'note' })
    class Rival {
      @EntityId() id!: string;
    }
    const shared = keys();
    const client = {} as Redis;
    new RedisRepository(client, shared, Note);
    expect(() => new RedisRepository(client, shared, Rival)).toThrow(/Note has this one/);
    expect(() => new RedisRepository(client, shared, Note)).not.toThrow();
    expect(() => new RedisRepository(client, keys(), Rival)).not.toThrow();
  });

  it('may inherit its declaration, and change any part of it', async () => {
    @RedisEntity({ kind: 'base', ttl: '1m' })
    class Base {
      @EntityId() id!: string;
      @Indexed() group!: string;
    }
    @RedisEntity({ kind: 'derived' })
    class Derived extends Base {
      @IsEmail() @Indexed({ unique: true }) email!: string;
    }
    await using server = await startRedis();
    const client = new Redis(server.port, server.host);
    const shared = keys();
    const derived = new RedisRepository(client, shared, Derived);
    const base = new RedisRepository(client, shared, Base);
    await derived.save({ id: '1', group: 'g', email: 'a@example.com' });
    expect(await base.findBy({ group: 'g' })).toEqual([]);
    expect((await derived.findBy({ group: 'g' })).map(({ id }) => id)).toEqual(['1']);
    expect((await derived.findBy({ email: 'a@example.com' })).map(({ id }) => id)).toEqual(['1']);
    expect(await client.pttl(shared.key('derived', '1'))).toBeGreaterThan(60_000);
    client.disconnect();
  });
});
