/**
 * Which words are names of commands. Others could be anything, such as a mistyped secret, and there is
 * no end of them: they are not repeated.
 *
 * @internal
 */
export class CommandNames {
  readonly #known: Map<string, string>;

  constructor(known: readonly string[]) {
    this.#known = new Map(known.map((name) => [name, name]));
  }

  /** What it is called in logs and metrics: in lower case, or `other`. */
  of(name: string): string {
    return this.#known.get(name) ?? this.#known.get(name.toLowerCase()) ?? 'other';
  }

  /** A server has answered it, so it exists: modules bring commands that ioredis does not know. */
  learn(name: string): void {
    if (this.#known.has(name)) return;
    const spelling = name.toLowerCase();
    this.#known.set(spelling, spelling);
  }
}
