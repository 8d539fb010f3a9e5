import type { Targets } from './ledger-entry.js';

/** Where a writer is killed. */
export const STOPS = [
  'before it announces',
  'while it announces',
  'before it commits',
  'while it commits',
  'before it releases',
  'while it releases',
  'after it has released',
] as const;
export type Stop = (typeof STOPS)[number];

/** How a writer tells the cache of its changes: as the protocol has it, or in a way that it replaces. */
export const MANNERS = ['change', 'commit, then invalidate'] as const;
export type Manner = (typeof MANNERS)[number];

/** One change, as the process that survives all others orders it. */
export interface ChangeJob {
  readonly id: number;
  readonly rows: readonly number[];
  readonly targets: Targets;
  /** The keys in Redis that have to be written before the work begins, and again after it. */
  readonly writes: readonly string[];
  readonly manner: Manner;
  /** The index of the writer's cache, which decides about outages and about the kind of connection. */
  readonly cache: number;
  /** The time from the announcement to the commit. */
  readonly workMs: number;
  /** The time from the commit to the end of the work. */
  readonly lingerMs: number;
  /** Whether the work rejects although it has committed. */
  readonly throws: boolean;
  readonly stop: Stop | undefined;
  /** The number of commands of that step after which the process stops. */
  readonly stopAfter: number;
}

export type WriterReport =
  | { readonly type: 'ready' }
  | {
      readonly type: 'commit';
      readonly id: number;
      /** Whether Redis has acknowledged the announcement. */
      readonly isAnnounced: boolean;
      /** The longest time since the job began that the process did not run. */
      readonly stalledMs: number;
    }
  /** The process has reached the point at which it will be killed, and stands still. */
  | { readonly type: 'stopped'; readonly id: number }
  | {
      readonly type: 'ended';
      readonly id: number;
      /** Whether its call has resolved. */
      readonly isResolved: boolean;
      /** Whether Redis has acknowledged the release. */
      readonly isReleased: boolean;
    };

export type WriterOrder =
  | { readonly type: 'job'; readonly job: ChangeJob }
  | { readonly type: 'committed'; readonly id: number };
