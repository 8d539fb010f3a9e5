/** Names the outcome of a `getOrLoad` now. */
export type CacheVerdict = 'near-hit' | 'hit' | 'stale' | 'miss' | 'being-changed' | 'bypass';

/** The entry in Redis. */
export interface ExplainedEntry {
  /**
   * `stored`: an entry. `absent`: nothing. `foreign`: another type of Redis. `damaged`: a text that is no
   * entry. `unknown`: Redis did not answer.
   */
  readonly state: 'stored' | 'absent' | 'foreign' | 'damaged' | 'unknown';
  /** Absent for what is no entry, like all that follows but `bytes` and `ttlMs`. */
  readonly kind?: 'value' | 'null' | 'undefined';
  /** The name of the serializer that made the body. */
  readonly serializer?: string;
  /** All of it in Redis: header, dependencies and body. */
  readonly bytes?: number;
  /** The load that made it. */
  readonly fillId?: string;
  /** In milliseconds since 1970 by the clock of Redis, as all moments. */
  readonly loadedAt?: number;
  readonly freshUntil?: number;
  /** The time until which the writer wanted Redis to keep it. */
  readonly liveUntil?: number;
  /** The time for which Redis keeps it, in milliseconds; -1 for a key without an end. */
  readonly ttlMs?: number;
}

/** Something that the entry depends on, or that the call names. */
export interface ExplainedDependency {
  readonly kind: 'tag' | 'entity' | 'key';
  /** The tag, the entity's key, or the key. */
  readonly name: string;
  /** The place of its version; for a key, of its content. */
  readonly key: string;
  /** Whether the call names it. */
  readonly isNamed: boolean;
  /** Whether the entry depends on it. Absent if Redis did not answer. */
  readonly isStored?: boolean;
  /** Whether it is now as the entry says. Absent if the two could not be compared. */
  readonly isSame?: boolean;
  /** The version in the entry. Absent for a key, whose fingerprint could betray a short content. */
  readonly stored?: string;
  /** The version in Redis; `null` for none. Absent likewise. */
  readonly current?: string | null;
  /** The time until which each writer counts that is changing it now. */
  readonly writers: readonly number[];
}

/** The lease: the right to store the entry. */
export interface ExplainedLease {
  /**
   * `free`: the next load takes it. `held`: a load that is under way. `left-behind`: a load of this process that
   * has ended. `being-changed`: no load, because the entry is being changed.
   */
  readonly state: 'free' | 'held' | 'left-behind' | 'being-changed' | 'unknown';
  /** The time after which it ends by itself, in milliseconds. */
  readonly ttlMs?: number;
  /** The time until which each writer counts that is changing the entry. */
  readonly writers: readonly number[];
}

/** The entry in the near copy of the process. */
export interface ExplainedNear {
  /** Whether the cache has a near copy. */
  readonly isOn: boolean;
  readonly isHeld: boolean;
  /** Whether a call would be served from it now. */
  readonly isServed: boolean;
  /** Why not. */
  readonly reason?: string;
  /** The memory that it takes in the process. */
  readonly bytes?: number;
  /** Whether the copy hears of changes. */
  readonly isArmed: boolean;
}

/**
 * Everything that decides what a `getOrLoad` of a key would do now. Contains keys and tags, and no values.
 *
 * @publicApi
 */
export interface CacheExplanation {
  /** The key of the entry in Redis. */
  readonly key: string;
  readonly verdict: CacheVerdict;
  /** A sentence that says why. */
  readonly reason: string;
  /** When it was judged: the clock of Redis as this process estimates it, in milliseconds since 1970. */
  readonly at: number;
  readonly entry: ExplainedEntry;
  readonly dependencies: readonly ExplainedDependency[];
  readonly lease: ExplainedLease;
  /** The failure of Redis. Absent if it answered. */
  readonly failure?: { readonly name: string; readonly code: string };
  /** Whether a breaker of the cache is open. */
  readonly isBypassed: boolean;
  readonly outbox: {
    /** How many invalidations of the connection Redis has not acknowledged yet. */
    readonly pending: number;
    /** Whether one of them is about this entry. */
    readonly isAboutEntry: boolean;
  };
  readonly near: ExplainedNear;
  /** All of it in some lines for people. */
  readonly text: string;
}

/** Writes an explanation for people. */
export function textOf(facts: Omit<CacheExplanation, 'text'>): string {
  const { key, verdict, reason, entry, dependencies, lease, failure, outbox, near, at } = facts;
  const lines = [
    `key:        ${key}`,
    `verdict:    ${verdict}. ${reason}`,
    `entry:      ${entryLine(entry, at)}`,
    ...dependencies.map((one) => `depends on: ${dependencyLine(one, at)}`),
    `lease:      ${leaseLine(lease, at)}`,
    `near copy:  ${nearLine(near)}`,
    `outbox:     ${outboxLine(outbox)}`,
    `breaker:    ${facts.isBypassed ? 'open' : 'closed'}`,
    `Redis:      ${failure ? `${failure.name} (${failure.code})` : 'answered'}`,
  ];
  return lines.join('\n');
}

function entryLine(entry: ExplainedEntry, at: number): string {
  const { state, kind, serializer, bytes = 0, ttlMs } = entry;
  const size = state === 'absent' || state === 'unknown' ? '' : `, ${bytes} bytes`;
  if (kind === undefined) return `${state}${size}`;
  const { loadedAt = at, freshUntil = at, fillId } = entry;
  const serialized = kind === 'value' ? ` by the serializer ${JSON.stringify(serializer)}` : '';
  return [
    `${kind}${serialized}${size}`,
    `loaded ${seconds(at - loadedAt)} ago by ${fillId}`,
    freshUntil > at
      ? `fresh for ${seconds(freshUntil - at)}`
      : `not fresh for ${seconds(at - freshUntil)} now`,
    ttlMs === -1 ? 'kept by Redis for ever' : `kept by Redis for ${seconds(ttlMs ?? 0)}`,
  ].join(', ');
}

function dependencyLine(one: ExplainedDependency, at: number): string {
  const { kind, name, isNamed, isStored, isSame, stored, current, writers } = one;
  const versions =
    stored === undefined ? '' : ` (${stored} in the entry, ${current ?? 'none'} now)`;
  const change = isSame === false ? `changed${versions}` : 'unchanged';
  const state = isStored === undefined || isSame === undefined ? 'not compared' : change;
  return [
    `${kind} ${JSON.stringify(name)}: ${isStored === false ? 'not in the entry' : state}`,
    ...(isNamed ? [] : ['not named by the call']),
    ...writersWords(writers, at),
  ].join(', ');
}

function leaseLine({ state, ttlMs, writers }: ExplainedLease, at: number): string {
  const end = ttlMs === undefined ? [] : [`ends in ${seconds(ttlMs)}`];
  return [state, ...end, ...writersWords(writers, at)].join(', ');
}

function writersWords(writers: readonly number[], at: number): string[] {
  if (writers.length === 0) return [];
  const last = seconds(Math.max(...writers) - at);
  return [`being changed by ${writers.length}, at most for another ${last} without a sign of life`];
}

function nearLine({ isOn, isHeld, isServed, reason, bytes, isArmed }: ExplainedNear): string {
  if (!isOn) return 'none';
  const held = isHeld ? `held (${bytes} bytes)` : 'not held';
  const served = isServed ? 'served' : `not served. ${reason}`;
  return `${isArmed ? 'armed' : 'not armed'}, ${held}, ${served}`;
}

function outboxLine({ pending, isAboutEntry }: CacheExplanation['outbox']): string {
  if (pending === 0) return 'empty';
  const about = isAboutEntry ? ', this entry among them' : '';
  return `${pending} not acknowledged yet${about}`;
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
