/** What is handed to a cache, a batch or a repository comes back equal, or is refused with its path. */
import 'reflect-metadata';
import { describe, expect, it } from '@jest/globals';
import { Type } from 'class-transformer';
import { IsDate, IsOptional } from 'class-validator';
import fc from 'fast-check';
import {
  EntityId,
  RedisBatch,
  RedisCache,
  RedisEntity,
  RedisSerializationException,
  type LoadContext,
  type RedisBatchException,
  type RedisRepository,
} from '../../src/index.js';
import { anyValue, isLostAt, MADE, withoutClasses } from './support/any-value.js';
import { caught } from './support/caught.js';
import { listenedCache } from './support/cache-stage.js';
import { onOneServer } from './support/repository-servers.js';

@RedisEntity({ kind: 'thing' })
class Thing {
  @EntityId() id!: string;
  data?: unknown;
  @IsOptional() @IsDate() at?: Date;
  @Type(() => Date) dates?: Date[];
}

const circle: Record<string, unknown> = { list: [] };
(circle['list'] as unknown[]).push({ back: circle });
const deep = (levels: number) =>
  Array.from({ length: levels }).reduce<unknown>((inner) => ({ a: inner }), 1);

const MORE: Readonly<Record<string, () => unknown>> = {
  ...MADE,
  'a circle': () => circle,
  'what is nested 100,000 levels deep': () => deep(100_000),
};

/** A loader whose value is not cached, and comes back as if it were. */
const unstored = (value: unknown) => (context: LoadContext) => {
  context.skipCache();
  return value;
};

/** What came back, or where what was given does not fit. */
async function outcomeOf(
  call: Promise<unknown>,
): Promise<{ readonly value: unknown } | { readonly path: string | undefined }> {
  try {
    return { value: await call };
  } catch (error) {
    const { errors } = error as Partial<RedisBatchException>;
    const one = errors?.values().next().value ?? error;
    if (one instanceof RedisSerializationException) return { path: one.path };
    throw error;
  }
}

onOneServer((stage) => {
  const batchOf = async (batch: RedisBatch, key: string, value: unknown) => {
    await batch.setAll({ [key]: value });
    return (await batch.getAll([key])).get(key);
  };
  const throughCache = async (cache: RedisCache, value: unknown) => {
    await cache.set('x', value);
    return cache.get('x');
  };
  const throughRepository = async (things: RedisRepository<Thing>, thing: Thing) => {
    await things.save(thing);
    return things.getByIdOrFail(thing.id);
  };

  it('Values of every kind come back equal, or the call is refused with the path of the first that does not', async () => {
    const { cache } = listenedCache(stage.client, stage.keys(), { negativeTtl: '1m' });
    const batch = new RedisBatch(stage.client);
    const key = stage.keys().key('thing', 'batch');
    const things = stage.repository(Thing);
    const dates = fc.array(fc.date({ noInvalidDate: false }), { maxLength: 2 });
    const seen = { kept: 0, refused: 0 };
    await fc.assert(
      fc.asyncProperty(anyValue, fc.option(fc.date()), dates, async (given, at, dates) => {
        const expected = withoutClasses(given);
        const thing = Object.assign(new Thing(), { id: '1', data: given, at, dates });
        const outcomes: [unknown, Awaited<ReturnType<typeof outcomeOf>>, unknown][] = [
          [given, await outcomeOf(cache.getOrLoad('y', unstored(given))), expected],
          [given, await outcomeOf(throughCache(cache, given)), expected],
          [given, await outcomeOf(batchOf(batch, key, given)), expected],
          [
            thing,
            await outcomeOf(throughRepository(things, thing)),
            Object.assign(new Thing(), { id: '1', data: expected, at, dates }),
          ],
        ];
        for (const [whole, outcome, equal] of outcomes) {
          if ('value' in outcome) expect(outcome.value).toStrictEqual(equal);
          else
            expect([outcome.path, isLostAt(whole, outcome.path ?? '')]).toEqual([
              outcome.path,
              true,
            ]);
          seen['value' in outcome ? 'kept' : 'refused']++;
        }
      }),
      { numRuns: 200, seed: 7 },
    );
    expect(Math.min(seen.kept, seen.refused)).toBeGreaterThan(100);
  });

  describe.each(Object.entries(MORE))('%s', (_, make) => {
    it('is refused by cache, batch and repository with its path', async () => {
      const { cache } = listenedCache(stage.client, stage.keys());
      const value = { orders: [{ placed: make() }] };
      const calls = [
        cache.set('x', value),
        cache.getOrLoad<unknown>('x', () => value),
        batchOf(new RedisBatch(stage.client), stage.keys().key('thing', '1'), value),
        stage.repository(Thing).save({ id: '1', data: value }),
      ];
      const outcomes = await Promise.all(calls.map((call) => outcomeOf(call)));
      const fields = ['$', '$', '$', '$.data'];
      for (const [i, outcome] of outcomes.entries()) {
        const { path } = outcome as { readonly path: string };
        expect(path.startsWith(`${fields[i]}.orders[0].placed`)).toBe(true);
      }
      expect(await cache.get('x')).toBeUndefined();
    });
  });

  it('A loaded value that JSON cannot hold is refused without Redis, too', async () => {
    const client = await stage.open();
    client.disconnect();
    const { cache } = listenedCache(client, stage.keys());
    const dated = () => ({ at: new Date(0) });
    const error = await caught(cache.getOrLoad<unknown>('x', dated));
    expect(error).toMatchObject({ name: 'RedisSerializationException', path: '$.at' });
    expect(await cache.resolve('x', () => 'good')).toMatchObject({ status: 'bypass' });
  });

  it('A refusal says what to do, and never shows the value', async () => {
    const { cache } = listenedCache(stage.client, stage.keys());
    const value = { user: { 'last login': new Date('2026-01-01'), note: 'hunter2' } };
    const error = await caught(cache.set('x', value));
    expect(error.message).toMatch(/\$\.user\["last login"\] is a Date.*toISOString\(\)/);
    expect(error.message).not.toMatch(/hunter2|2026/);
  });
});
