import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { getMetadataStorage, IsIn, IsString, ValidateIf } from 'class-validator';
import { shortcutFor } from './class-validator-insides.js';
import { EntityValidator } from './entity-validator.js';
import type { Plain } from './hydrator.js';

class Note {
  @IsString({ message: 'no text' }) text: unknown = 'a';
  @IsString({ each: true }) tags: unknown = ['a'];
  @ValidateIf((note: Note) => note.text === 'b') @IsIn(['x']) plan: unknown;
}

const note = (values: Partial<Note> = {}) => Object.assign(new Note(), values);
const asPlain = (one: Note) => one as unknown as Plain;
const giveUp = () => undefined;
const storage = getMetadataStorage();
const rules = () => storage.getTargetValidationMetadatas(Note, '', false, false);

/** Undoes what hides a part of the insides. */
function restore(): void {
  jest.restoreAllMocks();
  for (const name of ['getTargetValidationMetadatas', 'getTargetValidatorConstraints']) {
    Reflect.deleteProperty(storage, name);
  }
}

afterEach(restore);

describe('The insides of class-validator', () => {
  it('are as the shortcut describes them', () => {
    expect(rules()).toHaveLength(4);
    for (const rule of rules()) {
      expect(rule).toMatchObject({ type: expect.any(String) });
      expect(rule).toHaveProperty('each');
      if (rule.type === 'conditionalValidation') {
        expect(rule.constraints).toEqual([expect.any(Function)]);
      } else {
        const validators = storage.getTargetValidatorConstraints(rule.constraintCls);
        expect(validators).toHaveLength(1);
        expect(validators[0]).toMatchObject({ async: false });
        expect(validators[0]?.instance.validate).toEqual(expect.any(Function));
      }
    }
    const shortcut = shortcutFor(Note, giveUp);
    expect(shortcut?.(asPlain(note()))).toBe(true);
    expect(shortcut?.(asPlain(note({ tags: [1] })))).toBe(false);
    expect(shortcut?.(asPlain(note({ text: 'b' })))).toBe(false);
  });

  const changed = (members: object) => rules().map((rule) => Object.assign({}, rule, members));

  it.each([
    [
      'the rules of a class',
      () => Object.assign(storage, { getTargetValidationMetadatas: undefined }),
    ],
    [
      'the validators of a rule',
      () => Object.assign(storage, { getTargetValidatorConstraints: undefined }),
    ],
    [
      'a validator of a rule',
      () => jest.spyOn(storage, 'getTargetValidatorConstraints').mockReturnValue([]),
    ],
    [
      'whether a validator is asynchronous',
      () => {
        const real = storage.getTargetValidatorConstraints.bind(storage);
        jest
          .spyOn(storage, 'getTargetValidatorConstraints')
          .mockImplementation((target) =>
            real(target).map(({ instance }) => ({ instance }) as never),
          );
      },
    ],
    [
      'whether each item is meant',
      () => {
        const hidden = changed({});
        for (const rule of hidden) Reflect.deleteProperty(rule, 'each');
        jest.spyOn(storage, 'getTargetValidationMetadatas').mockReturnValue(hidden);
      },
    ],
    [
      'the condition of a property',
      () => {
        const hidden = changed({ constraints: [] });
        jest.spyOn(storage, 'getTargetValidationMetadatas').mockReturnValue(hidden);
      },
    ],
  ])('make no shortcut where %s cannot be seen', async (_, hide) => {
    hide();
    const validator = new EntityValidator(Note);
    expect(shortcutFor(Note, giveUp)).toBeUndefined();
    expect(validator.isSurelyValid(note())).toBe(false);
    restore(); // for class-validator itself
    expect(await validator.problemsOf(note())).toEqual([]);
    expect(await validator.problemsOf(note({ text: 1 }))).toMatchObject([{ property: 'text' }]);
  });
});
