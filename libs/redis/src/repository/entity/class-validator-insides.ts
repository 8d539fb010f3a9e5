/**
 * The insides of class-validator that the library uses, and all of them: its metadata storage, and the
 * fields of what stands there. Checked with 0.15.1. Where they are not as described here, no
 * shortcut is made, and class-validator itself is asked.
 */
import { types } from 'node:util';
import type { getMetadataStorage, ValidationArguments } from 'class-validator';
import { classValidator } from '../../peers/optional-peers.js';
import type { Plain } from './hydrator.js';

/** Tells whether an instance surely passes its rules; if not, class-validator has to be asked. */
export type Shortcut = (instance: Plain) => boolean;

type MetadataStorage = ReturnType<typeof getMetadataStorage>;
type Rule = ReturnType<MetadataStorage['getTargetValidationMetadatas']>[number];
type Validator = ReturnType<MetadataStorage['getTargetValidatorConstraints']>[number];
type Check = (value: unknown, instance: Plain) => boolean;

/** Lists the kinds of rules that are understood here. */
function knownTypes(): string[] {
  const { ValidationTypes } = classValidator();
  return [
    ValidationTypes.CUSTOM_VALIDATION,
    ValidationTypes.CONDITIONAL_VALIDATION,
    ValidationTypes.IS_DEFINED,
  ];
}

/**
 * Looks up the rules of a class, once. class-validator looks everything up again, and prepares an error for
 * each property, on every call: it takes several times as long as the rules themselves (docs/adr/0013).
 * Only what passes is decided here; what does not is left to class-validator, which knows the messages.
 *
 * @param giveUp called when a rule turns out to be asynchronous, with the promise it gave
 * @returns `undefined` for a class with rules that need class-validator itself: nested objects,
 * promises, rules that are declared asynchronous, rules that are not understood
 */
export function shortcutFor(
  target: new () => object,
  giveUp: (verdict: Promise<unknown>) => void,
): Shortcut | undefined {
  const rules = rulesOf(target);
  if (!rules?.every(isUnderstood)) return undefined;
  const properties = byProperty(rules).map(([property, itsRules]) => ({
    property,
    conditions: itsRules.filter(isCondition),
    checks: itsRules
      .filter((rule) => !isCondition(rule))
      .flatMap((rule) => checksOf(rule, target.name, giveUp)),
  }));
  return (instance) =>
    properties.every(({ property, conditions, checks }) => {
      const value = instance[property];
      const applies = conditions.every((rule) => conditionOf(rule)(instance, value));
      return !applies || checks.every((check) => check(value, instance));
    });
}

function rulesOf(target: new () => object): Rule[] | undefined {
  const storage: Partial<MetadataStorage> = classValidator().getMetadataStorage();
  return storage.getTargetValidationMetadatas?.(target, '', false, false);
}

/** A rule that is not seen or not run would make an instance pass that class-validator refuses. */
function isUnderstood(rule: Rule): boolean {
  if (!knownTypes().includes(rule.type)) return false;
  if (isCondition(rule)) return typeof conditionOf(rule) === 'function';
  const validators = validatorsOf(rule);
  const isSynchronous = ({ async, instance }: Partial<Validator>) =>
    async === false && typeof instance?.validate === 'function';
  return knowsEach(rule) && validators.length > 0 && validators.every(isSynchronous);
}

/** A rule with options that do not speak of `each`, as one with a message of its own, has `undefined` there. */
function knowsEach(rule: Rule): boolean {
  return 'each' in rule && [true, false, undefined].includes(rule.each);
}

function isCondition({ type }: Rule): boolean {
  return type === classValidator().ValidationTypes.CONDITIONAL_VALIDATION;
}

type Condition = (instance: Plain, value: unknown) => boolean;

function conditionOf({ constraints }: Rule): Condition {
  return (constraints as [Condition])[0];
}

function validatorsOf({ constraintCls }: Rule): Validator[] {
  const storage: Partial<MetadataStorage> = classValidator().getMetadataStorage();
  return storage.getTargetValidatorConstraints?.(constraintCls) ?? [];
}

function byProperty(rules: readonly Rule[]): [property: string, rules: Rule[]][] {
  const groups = new Map<string, Rule[]>();
  for (const rule of rules) {
    const { propertyName } = rule;
    groups.set(propertyName, [...(groups.get(propertyName) ?? []), rule]);
  }
  return [...groups];
}

function checksOf(
  rule: Rule,
  targetName: string,
  giveUp: (verdict: Promise<unknown>) => void,
): Check[] {
  const { propertyName: property, constraints, each, validateIf } = rule;
  return validatorsOf(rule).map(({ instance }) => (value, object) => {
    if (validateIf?.(object, value) === false) return true;
    const args: ValidationArguments = { targetName, property, object, value, constraints };
    const passes = (item: unknown) => {
      const verdict: unknown = instance.validate(item, args);
      if (types.isPromise(verdict)) giveUp(verdict);
      return verdict === true;
    };
    return each ? Array.isArray(value) && value.every(passes) : passes(value);
  });
}
