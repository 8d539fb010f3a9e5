import type { ValidationError } from 'class-validator';
import type { ValidationProblem } from '../../errors/redis-validation.exception.js';
import { classValidator } from '../../peers/optional-peers.js';
import type { Plain } from './hydrator.js';
import { shortcutFor, type Shortcut } from './class-validator-insides.js';

/**
 * Checks entities against their class-validator rules, asynchronous ones included.
 *
 * @internal
 */
export class EntityValidator {
  readonly #entity: new () => object;
  #shortcut: Shortcut | undefined | 'unknown' = 'unknown';

  constructor(entity: unknown) {
    this.#entity = entity as new () => object;
  }

  /** Whether an entity surely passes, told at once; if not, {@link problemsOf} decides. */
  isSurelyValid(instance: object): boolean {
    if (instance.constructor !== this.#entity) return false; // a subclass may have rules of its own
    if (this.#shortcut === 'unknown') this.#shortcut = shortcutFor(this.#entity, this.#giveUp);
    return this.#shortcut?.(instance as Plain) ?? false;
  }

  /** Makes no shortcut for an asynchronous rule: it may be a query, which must not be made twice each time. */
  readonly #giveUp = (verdict: Promise<unknown>): void => {
    this.#shortcut = undefined;
    verdict.catch(() => undefined); // class-validator is asked again, and will hear of it
  };

  /** Lists everything that is wrong; empty if nothing is. */
  async problemsOf(instance: object): Promise<ValidationProblem[]> {
    const errors = await classValidator().validate(instance, { forbidUnknownValues: false });
    return errors.flatMap((error) => flatten(error));
  }
}

function flatten(error: ValidationError, path = ''): ValidationProblem[] {
  const property = path + error.property;
  const messages = Object.values(error.constraints ?? {});
  const inner = (error.children ?? []).flatMap((child) => flatten(child, `${property}.`));
  return messages.length > 0 ? [{ property, messages }, ...inner] : inner;
}
