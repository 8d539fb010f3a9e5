import { types } from 'node:util';
import { getMetadataStorage, ValidationTypes, type ValidationArguments } from 'class-validator';
import type { Plain } from './hydrator.js';

/** Whether an instance surely passes its rules; if not, class-validator has to be asked. */
export type Shortcut = (instance: Plain) => boolean;

type Rule = ReturnType<
  ReturnType<typeof getMetadataStorage>['getTargetValidationMetadatas']
>[number];
type Check = (value: unknown, instance: Plain) => boolean;

/** The kinds of rules that are understood here. */
const KNOWN: ReadonlySet<string> = new Set([
  ValidationTypes.CUSTOM_VALIDATION,
  ValidationTypes.CONDITIONAL_VALIDATION,
  ValidationTypes.IS_DEFINED,
]);

/**
 * The rules of a class, looked up once. class-validator looks everything up again, and prepares an
 * error for each property, on every call: it takes several times as long as the rules themselves
 * (benchmarks/repository.bench.mjs). Only what passes is decided here; what does not is left to
 * class-validator, which knows the messages.
 *
 * @param giveUp called when a rule turns out to be asynchronous, with the promise it gave
 * @returns `undefined` for a class with rules that need class-validator itself: nested objects,
 * promises, rules that are declared asynchronous
 */
export function shortcutFor(
  target: new () => object,
  giveUp: (verdict: Promise<unknown>) => void,
): Shortcut | undefined {
  const storage = getMetadataStorage();
  const targetName = target.name;
  const rules = storage.getTargetValidationMetadatas(target, '', false, false);
  const properties = Object.entries(storage.groupByPropertyName(rules)).map(
    ([property, itsRules]) => ({
      property,
      conditions: itsRules.filter(({ type }) => type === ValidationTypes.CONDITIONAL_VALIDATION),
      checks: itsRules
        .filter(({ type }) => type !== ValidationTypes.CONDITIONAL_VALIDATION)
        .flatMap((rule) => checksOf(rule, targetName, giveUp)),
    }),
  );
  const checks = properties.flatMap((property) => property.checks);
  if (checks.includes(undefined) || rules.some(({ type }) => !KNOWN.has(type))) return undefined;
  return (instance) =>
    properties.every(({ property, conditions, checks }) => {
      const value = instance[property];
      const applies = conditions.every((rule) => conditionOf(rule)(instance, value));
      return !applies || checks.every((check) => (check as Check)(value, instance));
    });
}

type Condition = (instance: Plain, value: unknown) => boolean;

function conditionOf({ constraints }: Rule): Condition {
  return (constraints as [Condition])[0];
}

/** `undefined` in the place of what cannot be checked here. */
function checksOf(
  rule: Rule,
  targetName: string,
  giveUp: (verdict: Promise<unknown>) => void,
): (Check | undefined)[] {
  const { propertyName: property, constraints, each, validateIf } = rule;
  return getMetadataStorage()
    .getTargetValidatorConstraints(rule.constraintCls)
    .map((constraint) => {
      if (constraint.async) return undefined;
      const { instance } = constraint;
      return (value, object) => {
        if (validateIf?.(object, value) === false) return true;
        const args: ValidationArguments = { targetName, property, object, value, constraints };
        const passes = (item: unknown) => {
          const verdict: unknown = instance.validate(item, args);
          if (types.isPromise(verdict)) giveUp(verdict);
          return verdict === true;
        };
        return each ? Array.isArray(value) && value.every(passes) : passes(value);
      };
    });
}
