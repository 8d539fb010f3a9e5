import type { CacheSerializer } from '../../serialization/cache-serializer.js';
import type { CacheStatus, LoadContext } from '../cache-options.js';
import type { ResolvedPolicy } from '../cache-policy.js';
import type { DependencyList } from '../entry/dependencies.js';
import type { EntryKind } from '../entry/envelope.js';
import type { Turn } from '../outage/load-gate.js';
import type { LoadAbort } from './load-abort.js';
import type { EntryKeys } from '../store/cache-store.js';

/** The context of a loader, and the end of its load. */
export interface LoadCall extends LoadContext {
  readonly abort: LoadAbort;
}

/** The value that a caller needs, and how to make it. */
export interface LoadRequest {
  readonly keys: EntryKeys;
  readonly dependencies: DependencyList;
  readonly policy: ResolvedPolicy;
  readonly loader: (call: LoadCall) => unknown;
  readonly serializer: CacheSerializer<unknown>;
  readonly peers?: LoadPeers | undefined;
}

/** The loads of one call that are loaded together. */
export interface LoadPeers {
  /** To load without Redis, for all of them. */
  readonly turn: Turn;
  /** Makes the others wait for the answer to a claim: it decides whether this load loads with them. */
  deciding<T>(claim: Promise<T>): Promise<T>;
  /** Waits as long as the loads that wait already, so that all look again at the same moment. */
  pause(ms: number): Promise<void>;
}

/** The result of a loader. */
export interface LoaderResult {
  readonly kind: EntryKind;
  readonly body: Buffer;
  /** How long it is fresh; `undefined` if it is not to be cached. */
  readonly ttlMs: number | undefined;
  readonly durationMs: number;
  /** Whether all its dependencies were captured before they were read, while no writer changed them. */
  readonly isComplete: boolean;
}

/** The result of one load for all of its callers. Each makes its own value from it. */
export interface Loaded {
  readonly kind: EntryKind;
  /** As the serializer of the request has made it, and as it is stored. Shared, so never changed. */
  readonly body: Buffer;
  readonly status: CacheStatus;
  /** On the server's clock. */
  readonly loadedAt: number;
  /** Whether all its dependencies were captured. If not, callers that came later must not have it. */
  readonly isComplete: boolean;
}
