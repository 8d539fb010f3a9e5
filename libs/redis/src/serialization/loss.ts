/** A step from a value to one inside of it: the name of a property, or the place in a list. */
type Step = string | number | symbol;

/** Longer paths are cut in the middle. */
const LONGEST_PATH = 400;

/**
 * A place in a value that a format does not bring back equal.
 *
 * @internal
 */
export class Loss {
  /** From the place outwards. */
  readonly #steps: Step[] = [];
  /** Follows the path: "is a Map". */
  readonly problem: string;

  constructor(problem: string) {
    this.problem = problem;
  }

  /** The same, seen from the object around it. */
  within(step: Step): this {
    this.#steps.push(step);
    return this;
  }

  /** Such as `$.orders[3].placedAt`; `$` is the whole value. */
  get path(): string {
    const path = `$${this.#steps.toReversed().map(print).join('')}`;
    if (path.length <= LONGEST_PATH) return path;
    return `${path.slice(0, LONGEST_PATH / 2)}…${path.slice(-LONGEST_PATH / 2)}`;
  }
}

function print(step: Step): string {
  if (typeof step !== 'string') return `[${String(step)}]`;
  return /^[\p{L}_$][\p{L}\d_$]*$/u.test(step) ? `.${step}` : `[${JSON.stringify(step)}]`;
}
