import type { CacheAnnouncer } from '../cache-announcer.js';
import type { CacheSerializer } from '../../serialization/cache-serializer.js';
import type { CacheStatus, Loader } from '../cache-options.js';
import type { ResolvedCacheOptions, ResolvedPolicy } from '../cache-policy.js';
import type { Dependencies, DependencyList } from '../entry/dependencies.js';
import type { EntryReader } from '../store/entry-reader.js';
import type { EntryKind } from '../entry/envelope.js';
import type { LoadTracing } from './load-tracing.js';
import type { LoadGate, Turn } from '../outage/load-gate.js';
import type { OutageGuard } from '../outage/outage-guard.js';
import type { Outbox } from '../outage/outbox.js';
import type { CacheStore, EntryKeys } from '../store/cache-store.js';

/** What a cache is made of. */
export interface CacheParts {
  /** Whose keys they are. */
  readonly client: object;
  readonly options: ResolvedCacheOptions;
  readonly store: CacheStore;
  readonly reader: EntryReader;
  readonly guard: OutageGuard;
  readonly gate: LoadGate;
  readonly dependencies: Dependencies;
  readonly announcer: CacheAnnouncer;
  readonly tracing: LoadTracing;
  readonly outbox: Outbox;
}

/** What is wanted, and how to make it. */
export interface LoadRequest {
  readonly keys: EntryKeys;
  readonly dependencies: DependencyList;
  readonly policy: ResolvedPolicy;
  readonly loader: Loader<unknown>;
  readonly serializer: CacheSerializer<unknown>;
  readonly peers?: LoadPeers | undefined;
}

/** The loads of one call that are loaded together. */
export interface LoadPeers {
  /** To load without Redis, for all of them. */
  readonly turn: Turn;
  /** Says that one of them has asked whether it is to load: the others wait for the answer. */
  deciding<T>(claim: Promise<T>): Promise<T>;
  /** Waits as long as the loads that wait already: they look again at the same moment. */
  pause(ms: number): Promise<void>;
}

/** What all who wait for one load are given; each makes a value of its own of it. */
export interface Loaded {
  readonly kind: EntryKind;
  /** As the serializer of the request has made it, and as it is stored: for all of them, not to be changed. */
  readonly body: Buffer;
  readonly status: CacheStatus;
  /** On the server's clock. */
  readonly loadedAt: number;
  /** Whether everything that it depends on was captured: if not, nobody who came later may have it. */
  readonly isComplete: boolean;
}
