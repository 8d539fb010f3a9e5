/** A value of the source, and which of its versions a reader may still see. */
export class ChangingValue {
  #value = 0;
  readonly #acknowledged: Acknowledged[] = [{ at: -Infinity, value: 0 }];

  /** @param boundMs how long after an acknowledgement a reader may ask for the version before it, at most */
  constructor(private readonly boundMs: number) {}

  get current(): number {
    return this.#value;
  }

  change(): number {
    return ++this.#value;
  }

  /** All versions before this one have been invalidated, and the invalidation is acknowledged. */
  acknowledge(value: number): void {
    const at = performance.now();
    this.#acknowledged.push({ at, value });
    const isSettled = () => (this.#acknowledged[1]?.at ?? at) <= at - this.boundMs;
    while (isSettled()) this.#acknowledged.shift();
  }

  /** The oldest version that a read may return that began at a time, if it may be that stale. */
  floor(beganAt: number, stalenessMs: number): number {
    const known = this.#acknowledged.findLast(({ at }) => at <= beganAt - stalenessMs);
    return known?.value ?? 0;
  }
}

interface Acknowledged {
  readonly at: number;
  readonly value: number;
}
