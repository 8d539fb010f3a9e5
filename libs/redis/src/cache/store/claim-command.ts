import type { RedisClient } from '../../connection/options/options.js';
import type { Dependency, DependencyList } from '../entry/dependencies.js';
import { CLAIM } from './scripts.js';
import { uniqueId } from './tokens.js';

/** The two keys of an entry; in a cluster they are in one hash slot. */
export interface EntryKeys {
  readonly entry: string;
  readonly lease: string;
}

/** A claim to the lease of an entry. */
export interface Claim {
  readonly keys: EntryKeys;
  readonly token: string;
  readonly leaseMs: number;
  /** The fill id of the entry that was not good enough, '' for none. */
  readonly judged: string;
  /** The lease of a holder that is gone, '' for none: it may be taken over. */
  readonly orphan: string;
  /** The dependencies of what is to be loaded. */
  readonly dependencies: DependencyList;
  /** How long the entry that is to be made will live. */
  readonly liveMs: number;
}

/** The answer for one claim: its state, or in a list the lease of its holder. */
export type ClaimAnswer = 'acquired' | 'foreign' | 'changed' | 'changing' | readonly [string];

/** Versions live longer than the entries that depend on them, and long enough to be prolonged rarely. */
const LEAST_GENEROUS_MS = 3_600_000;

/**
 * One call of the script that takes leases and captures versions: what it is asked, and what it answers.
 *
 * @internal
 */
export class ClaimCommand {
  readonly #claims: Claim[] = [];
  readonly #versions: CapturedVersion[] = [];
  /** By its key. */
  readonly #places = new Map<string, number>();
  #answers: readonly unknown[] = [];

  /** How many leases and versions it is about. */
  get size(): number {
    return this.#claims.length + this.#versions.length;
  }

  /** @returns the place of its answer */
  claim(claim: Claim): number {
    return this.#claims.push(claim) - 1;
  }

  /** @param liveMs how long the entry will live that depends on it */
  capture({ key, entity = key }: Dependency, liveMs: number): void {
    const known = this.#versions[this.#places.get(key) ?? -1];
    if (known) known.liveMs = Math.max(known.liveMs, liveMs);
    else this.#places.set(key, this.#versions.push({ key, entity, liveMs }) - 1);
  }

  /** @throws the driver's error */
  async run(client: RedisClient): Promise<void> {
    const keys: string[] = [];
    const args = [uniqueId(), `${this.#claims.length}`];
    for (const { keys: of, token, leaseMs, judged, orphan } of this.#claims) {
      keys.push(of.entry, of.lease);
      args.push(token, `${leaseMs}`, judged, orphan);
    }
    for (const { key, entity, liveMs } of this.#versions) {
      const least = Math.round(liveMs);
      keys.push(key, entity);
      args.push(`${least}`, `${Math.max(2 * least, LEAST_GENEROUS_MS)}`);
    }
    this.#answers = (await CLAIM.run(client, keys, args)) as unknown[];
  }

  /** The server's time. A client may be set to give numbers as strings. */
  get now(): number {
    return Number(this.#answers[0]);
  }

  answerAt(place: number): ClaimAnswer {
    return this.#answers[place + 1] as ClaimAnswer;
  }

  /** The version at a key: `null` while that is being changed, `undefined` if it was not asked for. */
  versionAt(key: string): string | null | undefined {
    const place = this.#places.get(key);
    if (place === undefined) return undefined;
    return this.#answers[this.#claims.length + place + 1] as string | null;
  }
}

interface CapturedVersion {
  readonly key: string;
  readonly entity: string;
  liveMs: number;
}
