/** An entity comes back as it was saved, or is refused: what its class makes of JSON counts. */
import 'reflect-metadata';
import { describe, expect, it } from '@jest/globals';
import { Transform, Type } from 'class-transformer';
import { IsDate, IsOptional, IsString } from 'class-validator';
import fc from 'fast-check';
import {
  EntityId,
  Indexed,
  RedisEntity,
  type RedisBatchException,
  type RedisSerializationException,
} from '../../src/index.js';
import { anyValue, withoutClasses } from './support/any-value.js';
import { caught } from './support/caught.js';
import { onOneServer } from './support/repository-servers.js';

class Visit {
  @IsDate() at!: Date;
  note?: string;
}

@RedisEntity({ kind: 'member' })
class Member {
  @EntityId() id!: string;
  @IsString() @IsOptional() name?: string;
  @IsDate() @IsOptional() @Indexed() joinedAt?: Date;
  @IsOptional() leftAt?: Date | null; // a union: the compiler does not say what it is
  @Type(() => Date) reminders?: Date[];
  @Type(() => Visit) visits?: Visit[];
  @Type(() => Number) points?: number;
  @Transform(({ value }: { value: string }) => new Date(value)) seenAt?: Date;
  @Transform(({ value }: { value: string }) => value.toLowerCase()) @Indexed() email?: string;
  extra?: unknown;
  shout = () => this.name?.toUpperCase();
  greet(): string {
    return `Hello ${this.name ?? ''}`;
  }
}

@RedisEntity({ kind: 'account' })
class Account {
  @EntityId() id!: string;
  role: string | null | undefined = 'guest';
}

@RedisEntity({ kind: 'article' })
class Article {
  @EntityId() id!: string;
  @Transform(({ value }: { value: Iterable<string> }) => new Set(value)) tags?: Set<string>;
  @Transform(({ value }: { value: string }) => BigInt(value)) views?: bigint;
  readers?: Set<string>;
  @Type(() => Date) at?: Date;
  secret?: string;

  toJSON(): object {
    const { id, at, tags, views, readers } = this;
    return {
      id,
      at,
      ...(tags && { tags: [...tags] }),
      ...(views !== undefined && { views: String(views) }),
      ...(readers && { readers: [...readers] }),
    };
  }
}

@RedisEntity({ kind: 'tree' })
class Tree {
  @EntityId() id!: string;
  @Type(() => Tree) parts?: Tree[];
}

@RedisEntity({ kind: 'safe' })
class Safe {
  @EntityId() id!: string;
  #code = '';
  kept?: string;
  get code(): string {
    return this.#code;
  }
  set code(code: string) {
    this.#code = code;
  }
  get label(): string {
    return this.kept ?? '';
  }
  set label(label: string) {
    this.kept = label;
  }
}

class Fees extends Map<string, number> {}

class Range {
  #from = 1;
  get from(): number {
    return this.#from;
  }
}

@RedisEntity({ kind: 'typed' })
class Typed {
  @EntityId() id!: string;
  @Type(() => Date) date?: unknown;
  @Type(() => Number) number?: unknown;
  @Type(() => String) text?: unknown;
  @Type(() => Visit) visits?: unknown;
  @Transform(({ value }: { value: unknown }) => value) own?: unknown;
  @Transform(({ value }: { value: string }) => new Date(value), { toClassOnly: true }) made?: Date;
}

class Strict {
  constructor(readonly given: { readonly a: number }) {
    this.a = given.a;
  }
  a: number;
}

@RedisEntity({ kind: 'shop' })
class Shop {
  @EntityId() id!: string;
  @Type(() => Buffer) image?: unknown;
  @Type(() => Fees) fees?: unknown;
  @Type(() => Visit) visits?: unknown;
  @Type(() => Strict) strict?: Strict;
}

const make = <T extends object>(type: new () => T, values: object): T =>
  Object.assign(new type(), { id: '1' }, values);

onOneServer((stage) => {
  describe('The property of an entity', () => {
    it('is kept as a Date also without @Type if its type is Date, so other properties can be updated', async () => {
      const members = stage.repository(Member);
      const joinedAt = new Date(5);
      await members.save(make(Member, { name: 'Ada', joinedAt }));
      expect((await members.getByIdOrFail('1')).joinedAt).toEqual(joinedAt);
      const updated = await members.update('1', { name: 'Eve' });
      expect(updated).toMatchObject({ name: 'Eve', joinedAt });
      expect(await members.findOneBy({ joinedAt })).toMatchObject({ id: '1', joinedAt });
    });

    it('is made from the text of a date in a plain object', async () => {
      const members = stage.repository(Member);
      const given = JSON.parse('{"id":"1","joinedAt":"1970-01-01T00:00:00.005Z"}') as Member;
      expect((await members.save(given)).joinedAt).toEqual(new Date(5));
      expect((await members.update('1', { joinedAt: '2026' as never }))?.joinedAt).toEqual(
        new Date('2026'),
      );
    });

    it.each<[string, object]>([
      ['a list of dates', { reminders: [new Date(1), new Date(2)] }],
      ['no dates', { joinedAt: undefined, leftAt: null, reminders: [] }],
      ['dates in nested objects', { visits: [make(Visit, { at: new Date(1) })] }],
      ['what a @Transform makes again', { seenAt: new Date(3) }],
      ['data of any kind', { extra: { list: [{ none: null }, 'a'] }, points: 5 }],
      ['its functions, which the class gives again', { name: 'Ada' }],
    ])('comes back as it was saved: %s', async (_, values) => {
      const members = stage.repository(Member);
      const member = make(Member, values);
      await members.save(member);
      const found = await members.getByIdOrFail('1');
      expect(found.shout()).toBe(member.shout());
      found.shout = member.shout; // no two functions are equal
      expect(found).toEqual(member);
    });

    it('is written by its toJSON and its @Transform', async () => {
      const articles = stage.repository(Article);
      const article = make(Article, { tags: new Set(['a']), views: 5n, at: new Date(1) });
      await articles.save(article);
      expect(await articles.getById('1')).toEqual(article);
      await articles.save(make(Article, { id: '2', secret: 'left out on purpose' }));
      expect(await articles.getById('2')).toEqual(make(Article, { id: '2' }));
    });

    it('may be an accessor with its value in another property', async () => {
      const safes = stage.repository(Safe);
      await safes.save(make(Safe, { label: 'a' }));
      expect((await safes.getByIdOrFail('1')).label).toBe('a');
    });
  });

  const tree = make(Tree, {});
  tree.parts = [make(Tree, { id: '2', parts: [tree] })];

  describe('An entity is refused with the path to', () => {
    it.each<[string, new () => { id: string }, object, string, string]>([
      ['a Date without @Type', Member, { leftAt: new Date(1) }, '$.leftAt', '@Type(() => Date)'],
      [
        'a nested Date without @Type',
        Member,
        { extra: [{ a: new Date(1) }] },
        '$.extra[0].a',
        '@Type(() => Date)',
      ],
      ['an invalid Date', Member, { reminders: [new Date(NaN)] }, '$.reminders[0]', 'valid Date'],
      ['a hole', Member, { reminders: new Array<Date>(1) }, '$.reminders[0]', 'null'],
      [
        'an invalid Date in a nested object',
        Member,
        { visits: [{ at: new Date(NaN) }] },
        '$.visits[0].at',
        'valid Date',
      ],
      [
        'a text instead of a Date',
        Member,
        { reminders: ['2026-01-01'] },
        '$.reminders[0]',
        'valid Date',
      ],
      ['text in the place of a number', Member, { points: '5' }, '$.points', 'finite number'],
      ['text in the place of an object', Member, { visits: 'hunter2' }, '$.visits', 'object'],
      ['a BigInt', Member, { extra: 1n }, '$.extra', 'toJSON and a @Transform'],
      ['a Map', Member, { extra: new Map() }, '$.extra', 'toJSON and a @Transform'],
      ['what its @Transform does not make again', Member, { seenAt: new Set() }, '$.seenAt', 'Set'],
      [
        'an indexed value that its @Transform changes',
        Member,
        { email: 'A@B' },
        '$.email',
        'the value that it makes',
      ],
      ['the name of a method', Member, { greet: 'x' }, '$.greet', 'another name'],
      [
        'undefined for a property with an initial value',
        Account,
        { role: undefined },
        '$.role',
        'null',
      ],
      [
        'a Set in the result of its toJSON',
        Article,
        { readers: new Set(['a']) },
        '$.readers',
        'Set',
      ],
      ['bytes, whatever @Type says', Shop, { image: Buffer.from('a') }, '$.image', 'base64'],
      ['a subclass of a Map', Shop, { fees: new Fees([['a', 1]]) }, '$.fees', '[...map]'],
      ['a Map in the place of an object', Shop, { visits: [new Map()] }, '$.visits[0]', '[...map]'],
      ['what another class computes', Shop, { visits: new Range() }, '$.visits', 'a plain object'],
      [
        'an object of which its toJSON makes a list',
        Shop,
        { visits: { toJSON: () => [] } },
        '$.visits',
        'single object',
      ],
      ['itself', Tree, { parts: [tree] }, '$.parts[0].parts[0].parts[0]', 'an id'],
      ['what an accessor keeps in a private field', Safe, { code: '1234' }, '$.code', 'toJSON'],
    ])('%s', async (_, type, values, path, remedy) => {
      const some = stage.repository(type);
      const entity = make(type, values);
      const error = (await caught(some.save(entity))) as RedisSerializationException;
      expect(error).toMatchObject({ name: 'RedisSerializationException', path });
      expect(error.message).toContain(remedy);
      expect(error.message).not.toContain('hunter2');
      const failure = (await caught(some.saveAll([entity]))) as RedisBatchException;
      expect(failure.errors.get('1')).toMatchObject({ path });
      await stage.client.set(error.key, '{"id":"1"}');
      const updating = some.update('1', (found) => void Object.assign(found, values));
      expect(await caught(updating)).toMatchObject({ name: 'RedisSerializationException', path });
      expect(await stage.client.get(error.key)).toBe('{"id":"1"}');
    });

    it('undefined in a patch of a property with an initial value, but not null', async () => {
      const accounts = stage.repository(Account);
      await accounts.save(make(Account, { role: 'admin' }));
      const refused = await caught(accounts.update('1', { role: undefined }));
      expect(refused).toMatchObject({ path: '$.role' });
      await accounts.update('1', { role: null });
      expect(await accounts.getById('1')).toEqual(make(Account, { role: null }));
    });
  });

  it('Any value of a property with its own rules comes back equal or is refused', async () => {
    const typed = stage.repository(Typed);
    const visit = fc.record({ at: fc.date(), note: fc.string() }, { requiredKeys: ['at'] });
    const mostly = (fit: fc.Arbitrary<unknown>) =>
      fc.oneof({ weight: 12, arbitrary: fit }, { weight: 1, arbitrary: anyValue });
    const listsOf = (fit: fc.Arbitrary<unknown>) =>
      mostly(fc.oneof(fit, fc.constant(null), fc.array(mostly(fit), { maxLength: 2 })));
    const properties = fc.record(
      {
        date: listsOf(fc.date()),
        number: listsOf(fc.double({ noDefaultInfinity: true, noNaN: true })),
        text: listsOf(fc.string()),
        visits: listsOf(visit.map((values) => Object.assign(new Visit(), values))),
        own: listsOf(fc.jsonValue({ maxDepth: 1 })),
        made: fc.date(),
      },
      { requiredKeys: [] },
    );
    const isOfClass = (value: unknown) => value instanceof Typed || value instanceof Visit;
    const seen = { kept: 0, refused: 0 };
    await fc.assert(
      fc.asyncProperty(properties, async (values) => {
        const entity = make(Typed, values);
        const refusal = await typed.save(entity).then(
          () => undefined,
          (error: unknown) => error as RedisSerializationException,
        );
        seen[refusal ? 'refused' : 'kept']++;
        if (refusal) {
          expect(Object.keys(values)).toContain(/^\$\.(\w+)/.exec(refusal.path ?? '')?.[1]);
          return;
        }
        const found = await typed.getByIdOrFail('1');
        expect(withoutClasses(found, isOfClass)).toStrictEqual(withoutClasses(entity, isOfClass));
      }),
      { numRuns: 300, seed: 11 },
    );
    expect(Math.min(seen.kept, seen.refused)).toBeGreaterThan(50);
  });

  it('A value that no constructor can make again is refused', async () => {
    const strict = new Strict({ a: 1 });
    const error = await caught(stage.repository(Shop).save(make(Shop, { strict })));
    expect(error).toMatchObject({ name: 'RedisSerializationException', cause: expect.anything() });
  });

  it('An invalid property is reported before one that does not come back equal', async () => {
    const members = stage.repository(Member);
    const saving = members.save(make(Member, { joinedAt: new Date(NaN), extra: 1n }));
    expect(await caught(saving)).toMatchObject({
      name: 'RedisValidationException',
      problems: [{ property: 'joinedAt' }],
    });
  });
});
