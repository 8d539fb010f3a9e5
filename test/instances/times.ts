/** Names the part that a fault affects. */
export type Victim = 'Redis' | 'database' | 'instance';

export interface Trouble {
  readonly victim: Victim;
  readonly what: string;
}

interface Period extends Trouble {
  readonly from: number;
  until: number;
}

/** How long after a fault its consequences may be felt: breakers, connections that are made anew. */
export const RECOVERY_MS = 5_000;

/** When what was in trouble, on the clock of `performance.now()`. */
export class Times {
  readonly #periods: Period[] = [];

  begin(trouble: Trouble, now = performance.now()): { end(now?: number): void } {
    const period: Period = { ...trouble, from: now, until: Infinity };
    this.#periods.push(period);
    return {
      end: (at = performance.now()) => {
        period.until = at;
      },
    };
  }

  /** Whether neither Redis nor the database was in trouble, or was recovering, at any time between. */
  isCalm(from: number, until: number): boolean {
    return this.#during(from, until, RECOVERY_MS).every(({ victim }) => victim === 'instance');
  }

  /** Whether Redis had all that was cached at any time between. */
  isRedisCalm(from: number, until: number): boolean {
    return this.#during(from, until, RECOVERY_MS).every(({ victim }) => victim !== 'Redis');
  }

  /** Whether the database is a reason to refuse a request. */
  isDatabaseExcused(from: number, until: number): boolean {
    return this.#during(from, until, RECOVERY_MS).some(({ victim }) => victim === 'database');
  }

  /** For the tables: what was away. */
  troubleAt(from: number, until: number): 'normal' | `${Victim} away` | 'both away' {
    const victims = new Set(this.#during(from, until, 0).map(({ victim }) => victim));
    if (victims.has('Redis') && victims.has('database')) return 'both away';
    if (victims.has('database')) return 'database away';
    return victims.has('Redis') ? 'Redis away' : 'normal';
  }

  /** For people. */
  describe(from: number, until: number): string {
    const near = this.#during(from, until, 10_000).map(({ what, ...period }) => {
      const since = `${Math.round(from - period.from)} ms after the beginning`;
      const over =
        period.until < from ? `, ${Math.round(from - period.until)} ms after its end` : '';
      return `${what}: ${since}${over}`;
    });
    return near.join('; ') || 'in calm';
  }

  #during(from: number, until: number, afterMs: number): Period[] {
    return this.#periods.filter((period) => period.from <= until && period.until + afterMs >= from);
  }
}
