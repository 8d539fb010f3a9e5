/** Validation takes a shortcut where it can; class-validator itself is the oracle. */
import { beforeEach, describe, expect, it } from '@jest/globals';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  IsDate,
  IsDefined,
  IsEmail,
  IsIn,
  IsInt,
  IsOptional,
  IsString,
  Max,
  MaxLength,
  Min,
  registerDecorator,
  validate,
  Validate,
  ValidateIf,
  ValidateNested,
  ValidatorConstraint,
  type ValidatorConstraintInterface,
} from 'class-validator';
import fc from 'fast-check';
import {
  EntityId,
  RedisEntity,
  RedisRepository,
  type RedisValidationException,
} from '../../src/index.js';
import { caught } from './support/caught.js';
import { onOneServer } from './support/repository-servers.js';

@ValidatorConstraint()
class IsEven implements ValidatorConstraintInterface {
  validate(value: unknown): boolean {
    return Number(value) % 2 === 0;
  }
}

/** Answers with a promise without being declared asynchronous. */
function IsKnown(): PropertyDecorator {
  return (prototype, property) => {
    registerDecorator({
      name: 'isKnown',
      target: prototype.constructor,
      propertyName: String(property),
      validator: { validate: (value) => Promise.resolve(value !== 'unknown') },
    });
  };
}

class Part {
  @IsInt() size!: unknown;
}

@RedisEntity({ kind: 'flat' })
class Flat {
  @EntityId() id!: string;
  @IsString() @MaxLength(3) text?: unknown;
  @IsOptional() @IsInt() @Min(1) @Max(5) number?: unknown;
  @IsOptional() @IsEmail() email?: unknown;
  @IsDefined() anything?: unknown;
  @IsString({ each: true }) @ArrayMaxSize(2) list?: unknown;
  @ValidateIf((flat: Flat) => flat.text === 'a') @IsIn(['x', null]) choice?: unknown;
  @IsOptional({ groups: ['staff'] }) @IsInt({ groups: ['staff'] }) margin?: unknown;
  @Validate(IsEven) even?: unknown;
}

@RedisEntity({ kind: 'derived' })
class Derived extends Flat {
  @IsOptional()
  @IsString({ message: 'text, please' })
  declare anything?: unknown;
  @IsKnown() known?: unknown;
}

@RedisEntity({ kind: 'nested' })
class Nested {
  @EntityId() id!: string;
  @ValidateNested({ each: true }) @Type(() => Part) parts!: Part[];
  @IsOptional() @IsDate() @Type(() => Date) at?: Date;
}

const value = fc.constantFrom<unknown>(
  ...['', 'a', 'abcd', 'x', 'a@example.com', 'unknown', 0, 1, 2, 5, 6, 1.5, -1, '2', true, null],
  ...[[], ['a'], ['a', 1], ['a', 'b', 'c'], {}, { a: 'a' }, undefined],
);
/** Mostly what is valid: of eight that each fail half of the time hardly any entity would be. */
const mostly = (...valid: unknown[]) =>
  fc.oneof({ weight: 6, arbitrary: fc.constantFrom(...valid) }, value);
const flat = fc.record({
  text: mostly('', 'a', 'abc'),
  number: mostly(undefined, null, 1, 5),
  email: mostly(undefined, null, 'a@example.com'),
  anything: mostly('', 'x'),
  list: mostly([], ['a'], ['a', 'b']),
  choice: mostly('x', null),
  margin: mostly(undefined, 0),
  even: mostly(0, 2, '2'),
  known: mostly('', 1),
});

describe('An entity that a repository accepts', () => {
  onOneServer((stage) => {
    let flats: RedisRepository<Flat>;
    let deriveds: RedisRepository<Derived>;
    let nesteds: RedisRepository<Nested>;
    beforeEach(() => {
      flats = stage.repository(Flat);
      deriveds = stage.repository(Derived);
      nesteds = stage.repository(Nested);
    });

    it.each([
      ['', Flat],
      [', with rules that are inherited, replaced and asynchronous', Derived],
    ])('is one that class-validator accepts%s', async (_, entity) => {
      let valid = 0;
      await fc.assert(
        fc.asyncProperty(flat, async (values) => {
          const given = Object.assign(new entity(), { id: '1', ...values });
          const errors = await validate(given);
          const saving = entity === Flat ? flats.save(given) : deriveds.save(given);
          if (errors.length === 0) {
            valid++;
            await saving;
          } else {
            const failure = (await caught(saving)) as RedisValidationException;
            expect(failure.name).toBe('RedisValidationException');
            const problems = failure.problems.map(({ property, messages }) => [property, messages]);
            const expected = errors.map(({ property, constraints }) => [
              property,
              Object.values(constraints ?? {}),
            ]);
            expect(problems).toEqual(expected);
          }
        }),
        { numRuns: 1_500, seed: 3, endOnFailure: true },
      );
      expect(valid).toBeGreaterThan(100);
    });

    it('is validated with its nested objects, and problems have paths', async () => {
      const given = { id: '1', parts: [{ size: 1 }, { size: 'x' }] };
      expect(await caught(nesteds.save(given))).toMatchObject({
        name: 'RedisValidationException',
        problems: [{ property: 'parts.1.size', messages: [expect.stringContaining('integer')] }],
      });
      expect(await nesteds.exists('1')).toBe(false);
      await nesteds.save({ id: '1', parts: [{ size: 1 }] });
      const bad = Object.assign(new Part(), { size: null });
      const change = (nested: Nested) => void nested.parts.push(bad);
      expect((await caught(nesteds.update('1', change))).name).toBe('RedisValidationException');
      const patch = { at: 'never' as unknown as Date };
      expect(await caught(nesteds.update('1', patch))).toMatchObject({
        name: 'RedisValidationException',
        problems: [{ property: 'at' }],
      });
      expect(await nesteds.getById('1')).toEqual({ id: '1', parts: [{ size: 1 }] });
    });

    it('is checked by the rules of a subclass when it is an instance of one', async () => {
      class Strict extends Flat {
        @IsInt() declare text: unknown;
      }
      const given = Object.assign(new Strict(), { id: '1', text: 'a', anything: 1, list: [] });
      expect((await caught(flats.save(Object.assign(given, { even: 2, choice: 'x' })))).name).toBe(
        'RedisValidationException',
      );
    });
  });
});
