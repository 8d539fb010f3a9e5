import type { ApiAnswer } from '../chaos/api.js';
import { findInternals } from '../chaos/internals.js';
import { Losses } from '../chaos/losses.js';
import { UserHistory, type PendingChange, type ShownUser } from '../chaos/user-history.js';
import { Times, type Trouble } from './times.js';

/** No answer may take longer, whatever is away: a request waits for Redis and the database more than once. */
const LONGEST_ANSWER_MS = 15_000;

/** A value that was a hit stays in the cache for longer than this. */
const CACHED_MS = 60_000;

/** A user, and what the oracle knows of it besides what was asked for. */
export interface Watched {
  readonly history: UserHistory;
  /** When each version was asked for. */
  readonly sentAt: Map<number, number>;
  /** The newest version that the API has acknowledged, and whether that was its deletion. */
  acked: { readonly version: number; readonly isDeletion: boolean };
  /** Whether its deletion has been asked for. */
  mayBeDeleted: boolean;
  /** When each path of it was last shown from the cache. */
  readonly hits: Map<string, number>;
}

export type RequestKind = 'read' | 'list' | 'page' | 'write';

export interface Finding {
  readonly kind:
    'stale read' | 'lost write' | 'not available' | 'wrong answer' | 'slow answer' | 'internals';
  readonly what: string;
}

/** One life of an instance of the API. */
export interface Life {
  /** `Infinity` if it has not been killed. */
  readonly killedAt: number;
}

/** A change that was acknowledged while Redis had not acknowledged all of what its process has invalidated. */
interface Unreleased {
  readonly change: PendingChange;
  readonly instance: Life;
  readonly ackedAt: number;
}

/**
 * Compares each answer with the changes that were released before its request: an acknowledged change is
 * released as soon as the outbox of its process is empty. If neither Redis nor the database had a fault
 * since the change was requested, also compares the answer with the database.
 */
export class Witness {
  readonly times = new Times();
  readonly findings: Finding[] = [];
  readonly users = new Map<string, Watched>();
  readonly counts: Record<string, number> = {};
  readonly longestMs: Record<string, number> = {};
  #unreleased: Unreleased[] = [];

  /** @returns whether it has one of the expected statuses */
  answered(
    answer: ApiAnswer,
    kind: RequestKind,
    instance: Life,
    ...expected: readonly number[]
  ): boolean {
    const { began, ended, headers, request, status, text } = answer;
    const trouble = this.times.troubleAt(began, ended);
    const tookMs = ended - began;
    this.#count(kind);
    if (status === 0) this.#count('connections that broke');
    if (status === 503) this.#count(`503 (${trouble})`);
    const shown = String(headers['x-cache'] ?? '-');
    if (kind === 'read' && status === 200) {
      this.#count(`${shown} (${trouble})`);
      this.#count(`shown (${trouble})`);
    }
    const measured = `${kind === 'write' ? 'writes' : 'reads'}, ${trouble}`;
    if (instance.killedAt === Infinity) {
      this.longestMs[measured] = Math.max(this.longestMs[measured] ?? 0, tookMs);
    }
    if (tookMs > LONGEST_ANSWER_MS)
      this.report('slow answer', `${request}: ${tookMs} ms, ${trouble}`);
    const leak = findInternals(text);
    if (leak !== undefined)
      this.report('internals', `${request}: ${leak} in ${text.slice(0, 300)}`);
    if (headers['x-outbox'] === '0') this.#release(instance, answer);
    if (expected.includes(status)) return true;
    const isRefusal = status === 0 ? instance.killedAt < ended : status === 503;
    if (!isRefusal)
      this.report('wrong answer', `${request}: ${status} ${text.slice(0, 300)} (${trouble})`);
    else if (status === 503 && !this.times.isDatabaseExcused(began, ended)) {
      const when = `after ${Math.round(tookMs)} ms, ${this.times.describe(began, ended)}`;
      this.report('not available', `${request}: ${text.slice(0, 300)} ${when}`);
    }
    return false;
  }

  created(user: ShownUser, { began, ended }: ApiAnswer): Watched {
    const created = { email: user.email, sentAt: began, ackedAt: ended };
    const history = new UserHistory(user.id, user.firstName, created, new Losses());
    const sentAt = new Map([[1, began]]);
    const watched = { ...NEW, history, sentAt, hits: new Map<string, number>() };
    this.users.set(user.id, watched);
    return watched;
  }

  begin(user: Watched, what: 'set' | 'delete', now = performance.now()): PendingChange {
    const change = user.history.begin(what, undefined, now);
    user.sentAt.set(change.version, now);
    if (what === 'delete') user.mayBeDeleted = true;
    return change;
  }

  acknowledged(user: Watched, change: PendingChange, answer: ApiAnswer, instance: Life): void {
    user.acked = { version: change.version, isDeletion: answer.status === 204 };
    this.#count('acknowledged changes');
    if (answer.headers['x-outbox'] === '0') change.acknowledged(answer.ended);
    else {
      this.#count('changes that waited in an outbox');
      this.#unreleased.push({ change, instance, ackedAt: answer.ended });
    }
  }

  /** @param inDatabase what the database had when the reading began, if that is known */
  saw(
    user: Watched,
    seen: ShownUser | null,
    answer: ApiAnswer,
    how: string,
    inDatabase?: number,
  ): void {
    const mistake = user.history.judge(seen, answer);
    if (mistake !== undefined) {
      const { isOld, what } = mistake;
      this.#tell(isOld ? 'stale read' : 'wrong answer', user, what, answer, how);
    }
    if (inDatabase === undefined || !this.#isCalmSince(user, inDatabase, answer.ended)) return;
    this.#count('reads compared with the database');
    const shown = seen === null ? Infinity : versionOf(seen);
    if (shown >= inDatabase) return;
    this.#tell('stale read', user, `version ${shown}, the database had ${inDatabase}`, answer, how);
  }

  shown({ hits }: Watched, path: string, { began, headers }: ApiAnswer): void {
    if (headers['x-cache'] === 'HIT') hits.set(path, began);
  }

  /** Judges a refusal: a user cached a moment ago, and unchanged since, is shown without the database, too. */
  refused(
    { history, hits, sentAt }: Watched,
    path: string,
    { began, ended, status }: ApiAnswer,
  ): void {
    const hitAt = hits.get(path) ?? -Infinity;
    const isUnchanged = [...sentAt.values()].every((at) => at < hitAt - LONGEST_ANSWER_MS);
    const isCached = began - hitAt < CACHED_MS && this.times.isRedisCalm(hitAt, ended);
    if (status !== 503 || !isUnchanged || !isCached) return;
    this.report('not available', `${path} of ${history.mark}: 503, although it was cached`);
  }

  /** Judges the database once all is quiet: no write that the API has acknowledged is lost. */
  audited({ acked, history, mayBeDeleted }: Watched, row: ShownUser | undefined): void {
    const isThere = row !== undefined && versionOf(row) >= acked.version && !acked.isDeletion;
    if (isThere || (row === undefined && mayBeDeleted)) return;
    const found = row === undefined ? 'is not there' : `has version ${versionOf(row)}`;
    const promised = acked.isDeletion ? 'its deletion' : `version ${acked.version}`;
    this.report('lost write', `${history.mark} ${found}, and ${promised} was acknowledged`);
  }

  report(kind: Finding['kind'], what: string): void {
    this.findings.push({ kind, what });
  }

  trouble(trouble: Trouble, now?: number): { end(now?: number): void } {
    this.#count(`faults: ${trouble.what}`);
    return this.times.begin(trouble, now);
  }

  /** Nothing was in trouble since this version was asked for. */
  #isCalmSince({ sentAt }: Watched, version: number, until: number): boolean {
    const from = sentAt.get(version);
    return from !== undefined && this.times.isCalm(from, until);
  }

  /**
   * Notes the changes that an instance had sent to Redis before it was asked: Redis knows them at the
   * latest since the answer.
   */
  #release(instance: Life, { began, ended }: ApiAnswer): void {
    if (this.#unreleased.length === 0) return;
    const isReleased = (one: Unreleased) => one.instance === instance && one.ackedAt < began;
    for (const one of this.#unreleased) if (isReleased(one)) one.change.acknowledged(ended);
    this.#unreleased = this.#unreleased.filter((one) => !isReleased(one));
  }

  #tell(
    kind: Finding['kind'],
    { history }: Watched,
    what: string,
    { began, ended, headers }: ApiAnswer,
    how: string,
  ): void {
    const cache = `X-Cache ${String(headers['x-cache'] ?? '-')}`;
    const when = this.times.describe(began, ended);
    this.report(kind, `${how} of ${history.mark}: ${what}, ${cache}, ${when}`);
  }

  #count(what: string): void {
    this.counts[what] = (this.counts[what] ?? 0) + 1;
  }
}

const NEW = { acked: { version: 1, isDeletion: false }, mayBeDeleted: false };

/** NaN if it is none of ours. */
export function versionOf({ lastName }: { readonly lastName: string }): number {
  return Number(/^v(\d+)$/.exec(lastName)?.[1] ?? Number.NaN);
}
