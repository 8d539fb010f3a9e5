import { validate, type ValidationError } from 'class-validator';
import type { ValidationProblem } from '../../errors/redis-validation.exception.js';
import type { Plain } from './hydrator.js';
import { shortcutFor, type Shortcut } from './class-validator-insides.js';

/**
 * Holds entities against their class-validator rules, asynchronous ones included.
 *
 * @internal
 */
export class EntityValidator {
  readonly #entity: new () => object;
  #shortcut: Shortcut | undefined | 'unknown' = 'unknown';

  constructor(entity: unknown) {
    this.#entity = entity as new () => object;
  }

  /** Whether it surely passes, told at once; else {@link problemsOf} has to be asked. */
  isSurelyValid(instance: object): boolean {
    if (instance.constructor !== this.#entity) return false; // a subclass may have rules of its own
    if (this.#shortcut === 'unknown') this.#shortcut = shortcutFor(this.#entity, this.#giveUp);
    return this.#shortcut?.(instance as Plain) ?? false;
  }

  /** A rule that is asynchronous may well be a query, which must not be made twice each time. */
  readonly #giveUp = (verdict: Promise<unknown>): void => {
    this.#shortcut = undefined;
    verdict.catch(() => undefined); // class-validator is asked again, and will hear of it
  };

  /** Everything that is wrong; empty when nothing is. */
  async problemsOf(instance: object): Promise<ValidationProblem[]> {
    const errors = await validate(instance, { forbidUnknownValues: false });
    return errors.flatMap((error) => flatten(error));
  }
}

function flatten(error: ValidationError, path = ''): ValidationProblem[] {
  const property = path + error.property;
  const messages = Object.values(error.constraints ?? {});
  const inner = (error.children ?? []).flatMap((child) => flatten(child, `${property}.`));
  return messages.length > 0 ? [{ property, messages }, ...inner] : inner;
}
