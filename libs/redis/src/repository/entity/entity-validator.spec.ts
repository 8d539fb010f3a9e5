import 'reflect-metadata';
import { describe, expect, it, jest } from '@jest/globals';
import { Type } from 'class-transformer';
import {
  IsBoolean,
  IsDate,
  IsEmail,
  IsIn,
  IsInt,
  IsOptional,
  IsString,
  Length,
  Max,
  Min,
  registerDecorator,
  validate,
  ValidateIf,
  ValidateNested,
  ValidatorConstraint,
  type ValidatorConstraintInterface,
} from 'class-validator';
import fc from 'fast-check';
import { EntityValidator } from './entity-validator.js';

class Person {
  @IsString() @Length(1, 5) name: unknown;
  @IsEmail() email: unknown;
  @IsOptional() @IsInt() @Min(0) @Max(150) age: unknown;
  @IsDate() bornAt: unknown;
  @IsString({ each: true }) @Length(1, 3, { each: true }) tags: unknown;
  @IsBoolean() active: unknown;
  @ValidateIf((person: Person) => person.active === true) @IsIn(['a', 'b']) plan: unknown;
}

const anything = fc.oneof(
  fc.constantFrom(undefined, null, '', 'a', 'b', 'abcdef', 'ada@example.com', 0, -1, 7, 1.5, 200),
  fc.constantFrom(true, false, new Date(0), new Date(Number.NaN), {}),
  fc.constantFrom<unknown>([], ['a'], ['a', 1], ['abcd'], new Set(['a']), new Map([['k', 'a']])),
);
const likely = fc.record({
  name: fc.oneof(fc.constant('Ada'), anything),
  email: fc.oneof(fc.constant('ada@example.com'), anything),
  age: fc.oneof(fc.constant(36), anything),
  bornAt: fc.oneof(fc.constant(new Date(0)), anything),
  tags: fc.oneof(fc.constant(['a', 'b']), anything),
  active: fc.oneof(fc.boolean(), anything),
  plan: fc.oneof(fc.constant('a'), anything),
});

describe('EntityValidator', () => {
  it('never takes for valid what class-validator refuses, and says the same about it', async () => {
    const validator = new EntityValidator(Person);
    let surelyValid = 0;
    await fc.assert(
      fc.asyncProperty(likely, async (values) => {
        const person = Object.assign(new Person(), values);
        const errors = await validate(person);
        if (validator.isSurelyValid(person)) {
          surelyValid++;
          expect(errors).toEqual([]);
        }
        const problems = await validator.problemsOf(person);
        expect(problems).toEqual(
          errors.map(({ property, constraints = {} }) => ({
            property,
            messages: Object.values(constraints),
          })),
        );
      }),
      { numRuns: 1_000, seed: 7 },
    );
    expect(surelyValid).toBeGreaterThan(10); // else the shortcut leads nowhere
  });

  it('takes a class without rules for valid', async () => {
    class Free {
      anything = 1;
    }
    const validator = new EntityValidator(Free);
    expect(validator.isSurelyValid(new Free())).toBe(true);
    expect(await validator.problemsOf(new Free())).toEqual([]);
  });

  it('asks class-validator about a subclass, which may have rules of its own', async () => {
    class Strict extends Person {
      @IsInt() level: unknown;
    }
    const strict = Object.assign(new Strict(), { name: 'Ada' });
    const validator = new EntityValidator(Person);
    expect(validator.isSurelyValid(strict)).toBe(false);
    expect((await validator.problemsOf(strict)).map(({ property }) => property)).toContain('level');
  });

  it('names the path of nested problems', async () => {
    class Street {
      @IsString() name: unknown;
    }
    class House {
      @ValidateNested({ each: true }) @Type(() => Street) streets: Street[] = [new Street()];
    }
    const validator = new EntityValidator(House);
    expect(validator.isSurelyValid(new House())).toBe(false);
    expect(await validator.problemsOf(new House())).toEqual([
      { property: 'streets.0.name', messages: ['name must be a string'] },
    ]);
  });

  it.each([
    ['declared so', true],
    ['or not', false],
  ])('waits for rules that are asynchronous, %s', async (_, async) => {
    const isFree = jest.fn(async (name: unknown) => name !== 'taken');
    @ValidatorConstraint({ async })
    class IsFree implements ValidatorConstraintInterface {
      validate(name: unknown): Promise<boolean> {
        return isFree(name);
      }
    }
    class Account {
      constructor(readonly name: string) {}
    }
    registerDecorator({
      target: Account,
      propertyName: 'name',
      async,
      options: { message: 'taken' },
      validator: IsFree,
    });
    const validator = new EntityValidator(Account);
    const problems = [{ property: 'name', messages: ['taken'] }];
    expect(validator.isSurelyValid(new Account('free'))).toBe(false);
    expect(await validator.problemsOf(new Account('free'))).toEqual([]);
    expect(await validator.problemsOf(new Account('taken'))).toEqual(problems);
    isFree.mockClear();
    if (!validator.isSurelyValid(new Account('free'))) {
      await validator.problemsOf(new Account('free'));
    }
    expect(isFree).toHaveBeenCalledTimes(1); // it may be a query
  });
});
