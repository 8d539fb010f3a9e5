/**
 * Stored data does not fit the entity; whoever knows the key makes an exception of it. Says where, and
 * never what was found there.
 */
export class UnfitError extends Error {
  readonly path: string;
  readonly problem: string;

  constructor(path: string, problem: string) {
    super(`${path} ${problem}`);
    this.path = path;
    this.problem = problem;
  }

  /** The same, seen from the object around it. */
  within(property: string): UnfitError {
    return new UnfitError(`${property}.${this.path}`, this.problem);
  }
}
