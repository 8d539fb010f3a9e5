import type { CacheSerializer } from '../../serialization/cache-serializer.js';
import type { ResolvedPolicy } from '../cache-policy.js';
import type { Dependency } from '../entry/dependencies.js';
import type { Entry } from '../entry/envelope.js';
import type { RedisAway } from '../outage/waiting.js';
import type { EntryKeys, Inspected } from '../store/cache-store.js';
import type {
  CacheExplanation,
  CacheVerdict,
  ExplainedDependency,
  ExplainedEntry,
  ExplainedLease,
  ExplainedNear,
} from './explanation.js';

/** A call that is explained. */
export interface Question {
  readonly keys: EntryKeys;
  readonly named: readonly Dependency[];
  readonly policy: ResolvedPolicy;
  readonly serializer: CacheSerializer<unknown>;
  /** Whether it names no serializer: then it counts as one with that of the entry. */
  readonly isForAny: boolean;
}

/** The replies of Redis. */
export interface Seen {
  inspected?: Inspected;
  entry?: Entry | undefined;
  /** The dependencies of the entry; `undefined` if their names are damaged. */
  stored?: readonly Dependency[] | undefined;
  /** Those of all dependencies that were read, by label. */
  readonly versions: Map<string, string | null>;
  failure?: RedisAway;
}

/** The replies, in words of operators. */
export interface Findings {
  readonly entry: ExplainedEntry;
  readonly dependencies: readonly ExplainedDependency[];
  readonly lease: ExplainedLease;
}

export interface Judgement {
  readonly verdict: CacheVerdict;
  readonly reason: string;
}

/** All that the verdict depends on. */
export interface Case extends Findings {
  readonly question: Question;
  readonly seen: Seen;
  readonly at: number;
  readonly near: ExplainedNear;
  readonly outbox: CacheExplanation['outbox'];
  readonly onOutage: 'open' | 'closed';
}

/** Judges as a `getOrLoad` would, step by step. */
export function judge(found: Case): Judgement {
  const { seen, near, lease, dependencies, onOutage, question } = found;
  if (near.isServed) {
    return { verdict: 'near-hit', reason: 'The near copy of this process serves it.' };
  }
  if (seen.failure) {
    const then = onOutage === 'open' ? 'loads the value without it' : 'fails with this error';
    const { code } = seen.failure.error;
    return { verdict: 'bypass', reason: `Redis is away (${code}): a call ${then}.` };
  }
  const problem = problemOf(found);
  if (problem === undefined) return freshnessOf(found);
  const changed = dependencies.find(({ isNamed, writers }) => isNamed && writers.length > 0);
  if (changed || lease.state === 'being-changed') {
    const what = changed ? wordsOf(changed) : 'the entry';
    const reason = `A writer is changing ${what}: a call loads the value, and does not store it.`;
    return { verdict: 'being-changed', reason };
  }
  const reason = [problem, WHO_LOADS[lease.state]].filter(Boolean).join(' ');
  const isLate = expiredForMs(found) > 0 && question.policy.failSafeMs > 0;
  return {
    verdict: 'miss',
    reason: isLate ? `${reason} It is served if the loader fails.` : reason,
  };
}

const WHO_LOADS: Readonly<Record<ExplainedLease['state'], string>> = {
  free: '',
  held: 'A load is under way: a call waits for it.',
  'left-behind': 'A load of this process left its lease behind: the next call takes it over.',
  'being-changed': '',
  unknown: '',
};

/** Why a call cannot use what is stored. */
function problemOf(found: Case): string | undefined {
  const { seen, entry, dependencies, question, outbox } = found;
  if (entry.state !== 'stored' || !seen.entry) return NO_ENTRY[entry.state];
  if (!seen.stored) return NO_ENTRY.damaged;
  const missing = dependencies.find(({ isStored }) => isStored === false);
  if (missing) return `The entry does not depend on ${wordsOf(missing)}, which the call names.`;
  const changed = dependencies.find(({ isSame }) => isSame !== true);
  if (changed) return `Since the entry was made, ${wordsOf(changed)} has changed.`;
  if (outbox.isAboutEntry) {
    return 'This process has invalidated it, which Redis has not acknowledged yet.';
  }
  const { serializer, policy } = question;
  const isOther = entry.kind === 'value' && entry.serializer !== serializer.name;
  if (isOther && !question.isForAny) {
    return `The serializer "${entry.serializer}" has stored it, and the call reads with "${serializer.name}".`;
  }
  if (!isOther && !isReadable(seen.entry, question))
    return 'Its serializer cannot read what is stored.';
  if (expiredForMs(found) <= policy.staleForMs) return undefined;
  return 'It is neither fresh any more, nor may it be served stale.';
}

const NO_ENTRY: Readonly<Record<ExplainedEntry['state'], string>> = {
  stored: '',
  absent: 'Nothing is stored.',
  foreign: 'The key of the entry holds something else.',
  damaged: 'The stored text is no entry of this version of the library.',
  unknown: 'Redis did not say what is stored.',
};

/** The verdict on an entry that a call uses. */
function freshnessOf(found: Case): Judgement {
  if (expiredForMs(found) > 0) {
    return {
      verdict: 'stale',
      reason: 'It is not fresh any more: a call gets it, and refreshes it.',
    };
  }
  const what =
    found.entry.kind === 'value' ? '' : ` It says that there is none (${found.entry.kind}).`;
  return {
    verdict: 'hit',
    reason: `It is fresh, and nothing that it depends on has changed.${what}`,
  };
}

/** For how long it has not been fresh. An entry that is fresh as long as it lives ends in Redis. */
function expiredForMs({ seen, at }: Case): number {
  if (!seen.entry) return 0;
  const { freshUntil, liveUntil } = seen.entry;
  return freshUntil >= liveUntil ? 0 : Math.max(0, at - freshUntil);
}

function isReadable({ kind, body }: Entry, { keys, serializer }: Question): boolean {
  if (kind !== 'v') return true;
  try {
    serializer.deserialize(body, keys.entry);
    return true;
  } catch {
    return false;
  }
}

function wordsOf({ kind, name }: ExplainedDependency): string {
  return `the ${kind} ${JSON.stringify(name)}`;
}
