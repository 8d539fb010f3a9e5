import { decodePart } from '../../keys/key-encoding.js';
import type { CacheKeys } from '../cache-keys.js';
import type { CacheKey, GetOrLoadOptions } from '../cache-options.js';
import { resolvePolicy, resolveSerializer, type ResolvedCacheOptions } from '../cache-policy.js';
import type { Dependencies, Dependency } from '../entry/dependencies.js';
import { decodeEntry, decodeVersions, type Entry } from '../entry/envelope.js';
import { livingWriters } from '../entry/writers.js';
import type { NearCopy } from '../near/near-copy.js';
import { Budget } from '../outage/budget.js';
import type { OutageGuard } from '../outage/outage-guard.js';
import type { Outbox } from '../outage/outbox.js';
import { RedisAway } from '../outage/waiting.js';
import type { CacheStore, Inspected } from '../store/cache-store.js';
import { isLeftBehind } from '../store/tokens.js';
import { explainNear } from './explain-near.js';
import {
  textOf,
  type CacheExplanation,
  type ExplainedDependency,
  type ExplainedEntry,
  type ExplainedLease,
  type ExplainedNear,
} from './explanation.js';
import { judge, type Findings, type Question, type Seen } from './verdict.js';

/** The parts of a cache that an explanation looks at. */
export interface ExplainedCache {
  readonly keys: CacheKeys;
  readonly dependencies: Dependencies;
  readonly options: ResolvedCacheOptions;
  readonly store: CacheStore;
  readonly guard: OutageGuard;
  readonly outbox: Outbox;
  readonly near: NearCopy | undefined;
}

/**
 * Explains what a `getOrLoad` of a key would do now: looks at everything that decides it, and changes
 * nothing. Judges as {@link EntryReader} and {@link Finder} do, each step with its reason.
 *
 * @internal
 */
export class Explainer {
  readonly #cache: ExplainedCache;

  constructor(cache: ExplainedCache) {
    this.#cache = cache;
  }

  /** @throws what is wrong with the key or the options; nothing because of Redis */
  async explain<T>(key: CacheKey, options: GetOrLoadOptions<T>): Promise<CacheExplanation> {
    const { keys, dependencies, options: own, store, guard, outbox } = this.#cache;
    const question: Question = {
      keys: keys.of(key),
      named: dependencies.all(options),
      policy: resolvePolicy(options, own.policy),
      serializer: resolveSerializer(options.serializer, own.serializer),
      isForAny: options.serializer === undefined,
    };
    const { deleted } = outbox; // may be delivered before the replies are judged
    const near = this.#near(question, options);
    const isBypassed = guard.isRefusing;
    const seen = await this.#look(question);
    const at = store.clock.now();
    const found = findingsOf(seen, question, at);
    const isAboutEntry = [question.keys.entry, ...found.dependencies.map((one) => one.key)].some(
      (one) => deleted.has(one),
    );
    const facts = { ...found, near, isBypassed, outbox: { pending: deleted.size, isAboutEntry } };
    const judgement = judge({ ...facts, at, seen, question, onOutage: own.onOutage });
    const { failure } = seen;
    const explanation = {
      ...{ key: question.keys.entry, ...judgement, at, ...facts },
      ...(failure && { failure: { name: failure.error.name, code: failure.error.code } }),
    };
    return { ...explanation, text: textOf(explanation) };
  }

  #near<T>({ keys, isForAny, ...judged }: Question, caller: GetOrLoadOptions<T>): ExplainedNear {
    const { near: copy, dependencies, options } = this.#cache;
    const stalenessMs = options.near?.stalenessMs ?? 0;
    const serializer = isForAny ? undefined : judged.serializer;
    const question = { key: keys.entry, caller, serializer, dependencies, stalenessMs };
    return explainNear(copy && { copy, ...question });
  }

  /** Reads in one round trip, and in two if the entry depends on more than the call names. */
  async #look({ keys, named, policy }: Question): Promise<Seen> {
    const { store, dependencies } = this.#cache;
    const seen: Seen = { versions: new Map() };
    const budget = new Budget(policy.timeoutMs);
    const task = { key: keys.entry, operation: 'explain', budget };
    const read = async ({ versions }: CacheStore, of: readonly Dependency[]) => {
      const found = await versions.now(of);
      of.forEach(({ label }, i) => seen.versions.set(label, found[i] ?? null));
    };
    try {
      const places = [keys.entry, ...named.map(({ key }) => key)];
      await store.attempt({ ...task, keys: places }, async (store) => {
        [seen.inspected] = await Promise.all([store.inspect(keys), read(store, named)]);
      });
      const { bytes = null } = seen.inspected ?? {};
      seen.entry = (bytes && decodeEntry(bytes)) ?? undefined;
      if (!seen.entry) return seen;
      seen.stored = dependencies.ofLabels([...decodeVersions(seen.entry).keys()]);
      const others = (seen.stored ?? []).filter(({ label }) => !seen.versions.has(label));
      if (others.length === 0) return seen;
      const further = others.map(({ key }) => key);
      await store.attempt({ ...task, keys: further }, (store) => read(store, others));
    } catch (failure) {
      if (!(failure instanceof RedisAway)) throw failure;
      seen.failure = failure;
    }
    return seen;
  }
}

function findingsOf(seen: Seen, { named }: Question, at: number): Findings {
  const { inspected, entry, stored = [], versions } = seen;
  const inEntry = entry ? decodeVersions(entry) : new Map<string, string>();
  const all = [...new Map([...named, ...stored].map((one) => [one.label, one])).values()];
  return {
    entry: entryOf(inspected, entry),
    dependencies: all.map((one) => {
      const before = inEntry.get(one.label);
      const isNamed = named.some(({ label }) => label === one.label);
      const isStored = inspected && { isStored: before !== undefined };
      const found = dependencyOf(one, before, versions.get(one.label), at);
      return { ...found, isNamed, ...isStored };
    }),
    lease: leaseOf(inspected, at),
  };
}

const KINDS = { v: 'value', n: 'null', u: 'undefined' } as const;

function entryOf(inspected: Inspected | undefined, entry: Entry | undefined): ExplainedEntry {
  if (!inspected) return { state: 'unknown' };
  const { type, bytes, leftMs: ttlMs } = inspected;
  if (!bytes) return type === 'none' ? { state: 'absent' } : { state: 'foreign', ttlMs };
  const held = { bytes: bytes.length, ttlMs };
  if (!entry) return { state: 'damaged', ...held };
  const { kind, serializer, fillId, loadedAt, freshUntil, liveUntil } = entry;
  const facts = { fillId, loadedAt, freshUntil, liveUntil };
  return { state: 'stored', kind: KINDS[kind], serializer, ...facts, ...held };
}

/** @param current `undefined` if it was not read */
function dependencyOf(
  { by, key, label, name, entity }: Dependency,
  stored: string | undefined,
  current: string | null | undefined,
  at: number,
): Omit<ExplainedDependency, 'isNamed' | 'isStored'> {
  const kind = entity === undefined ? 'tag' : 'entity';
  const known = stored !== undefined && current !== undefined;
  const versions = {
    ...(stored !== undefined && { stored }),
    ...(current !== undefined && { current }),
  };
  return {
    kind: by === 'fingerprint' ? 'key' : kind,
    name: by === 'fingerprint' ? key : (name ?? entity ?? decodePart(label.slice(1)) ?? label),
    key,
    ...(known && { isSame: stored === current }),
    ...(by === 'version' && versions),
    writers: livingWriters(current ?? null, at),
  };
}

function leaseOf(inspected: Inspected | undefined, at: number): ExplainedLease {
  if (!inspected) return { state: 'unknown', writers: [] };
  const { lease, leaseLeftMs: ttlMs } = inspected;
  if (lease === null) return { state: 'free', writers: [] };
  const writers = livingWriters(lease, at);
  if (writers.length > 0) return { state: 'being-changed', ttlMs, writers };
  return { state: isLeftBehind(lease) ? 'left-behind' : 'held', ttlMs, writers };
}
