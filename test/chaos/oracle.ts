import { findInternals } from './internals.js';
import { Losses, type LossKind } from './losses.js';
import { UserHistory, type Reading, type ShownUser } from './user-history.js';

/** No answer of the API may take longer. Command timeouts are a second; an update needs several commands. */
export const LONGEST_ANSWER_MS = 6_000;

/** When a fault is over every request is answered as usual again, after this time at the latest. */
export const RECOVERY_MS = 5_000;

/** Requests that the API may refuse with 503 during a fault. */
export type Refusals = 'nothing' | 'writes' | 'everything';

export interface Answer extends Reading {
  /** A probe asks whether the process lives: no fault of Redis is a reason to refuse it. */
  readonly kind: 'read' | 'write' | 'probe';
  /** Names the request in the report. */
  readonly request: string;
  /** 0 if the connection broke or nothing came. */
  readonly status: number;
  readonly text: string;
  /** The only user that it is about, if there is one. */
  readonly user?: string;
}

export interface Violation {
  readonly kind:
    | 'lost write'
    | 'stale read'
    | 'wrong answer'
    | 'internals'
    | 'slow answer'
    | 'not available'
    | 'no process';
  readonly what: string;
}

/** Answers about users whose primary was well while another one was not. */
export interface Others {
  readonly refused: readonly Answer[];
  readonly slowestMs: number;
}

/** Observations of the callers during one fault. */
export interface Findings {
  readonly answers: number;
  /** 503 and broken connections. */
  readonly refused: number;
  readonly slowestMs: number;
  /** From the moment that a new client could work again until the last refusal came; 0 if it came before. */
  readonly recoveryMs: number;
  /** Acknowledged changes that Redis lost, as it may in this fault. */
  readonly lost: number;
  /** From the switch to the latest acknowledgement of a change that was lost; below 0 if before. */
  readonly lostUntilMs: number | undefined;
  /** The longest read of a user whose primary was well; `undefined` if there was no such user. */
  readonly othersSlowestMs: number | undefined;
  readonly violations: readonly Violation[];
}

/**
 * Compares each answer with all earlier requests and acknowledgements. Knows when a fault was active and
 * which writes Redis may lose in it, and forgives no others. Has no clock: callers pass the times.
 */
export class Oracle {
  readonly losses = new Losses();
  /** Every user that was asked for, by its mark, and when: it may be there although the reply was lost. */
  readonly #attempts = new Map<string, number>();
  #users = new Map<string, UserHistory>();
  #violations: Violation[] = [];
  #answers = 0;
  #refusedAt: number[] = [];
  #slowestMs = 0;
  #lostAt: number[] = [];
  #readsOfOne: Answer[] = [];
  #othersSlowestMs: number | undefined;
  #fault = { refusals: 'nothing' as Refusals, from: Infinity, until: Infinity };

  /** Forgets what was counted. Of the users that are there it only knows that they were asked for. */
  beginRound(): void {
    this.#users = new Map();
    this.#violations = [];
    this.#answers = 0;
    this.#refusedAt = [];
    this.#slowestMs = 0;
    this.#lostAt = [];
    this.#readsOfOne = [];
    this.#othersSlowestMs = undefined;
    this.#fault = { refusals: 'nothing', from: Infinity, until: Infinity };
  }

  faultBegins(refusals: Refusals, loss: LossKind, now: number): void {
    this.#fault = { refusals, from: now, until: Infinity };
    if (loss !== 'none') this.losses.begin(loss, now);
  }

  /** From now on a new client of Redis would be served. */
  faultEnds(now: number): void {
    if (this.#fault.until !== Infinity) return;
    this.#fault.until = now;
    this.losses.end(now);
  }

  /**
   * Makes the checks that apply to every answer.
   *
   * @param expected the statuses with which the API may answer this request, besides 503
   * @returns whether it has one of these
   */
  answered(answer: Answer, ...expected: readonly number[]): boolean {
    const { began, ended, request, status, text } = answer;
    const tookMs = ended - began;
    this.#answers++;
    if (answer.user !== undefined && answer.kind === 'read') this.#readsOfOne.push(answer);
    this.#slowestMs = Math.max(this.#slowestMs, tookMs);
    if (tookMs > LONGEST_ANSWER_MS) {
      this.report('slow answer', `${request} took ${Math.round(tookMs)} ms`);
    }
    const leak = findInternals(text);
    if (leak !== undefined) {
      this.report('internals', `${request}: ${leak} in ${text.slice(0, 300)}`);
    }
    if (expected.includes(status)) return true;
    if (status !== 0 && status !== 503) {
      this.report('wrong answer', `${request}: ${status} ${text.slice(0, 300)}`);
      return false;
    }
    this.#refusedAt.push(ended);
    if (!this.#mayRefuse(answer)) {
      const why = text.slice(0, 300) || 'no answer';
      this.report('not available', `${request} at ${this.#sinceFault(began)}: ${why}`);
    }
    return false;
  }

  /** A creation that is not answered yet may have made a user already. */
  attempted(mark: string, sentAt: number): void {
    this.#attempts.set(mark, sentAt);
  }

  created(user: ShownUser, { began, ended }: Reading): UserHistory {
    const created = { email: user.email, sentAt: began, ackedAt: ended };
    const history = new UserHistory(user.id, user.firstName, created, this.losses);
    this.#users.set(user.id, history);
    return history;
  }

  /**
   * Judges an answer about this user, `null` for 404.
   *
   * @returns whether the answer is possible
   */
  saw(
    history: UserHistory,
    seen: ShownUser | null,
    reading: Reading,
    how: string,
    ifOld: 'stale read' | 'lost write' = 'stale read',
  ): boolean {
    const mistake = history.judge(seen, reading);
    if (mistake === undefined) return true;
    const { isOld, what } = mistake;
    const when = this.#sinceFault(reading.began);
    this.report(isOld ? ifOld : 'wrong answer', `${how} of ${history.mark}: ${what}, ${when}`);
    return false;
  }

  /** One user among others in a list. */
  sawListed(seen: ShownUser, reading: Reading, how: string): void {
    const history = this.#users.get(seen.id);
    if (history !== undefined) {
      this.saw(history, seen, reading, how);
      return;
    }
    const sentAt = this.#attempts.get(seen.firstName) ?? Infinity;
    if (sentAt < reading.ended) return;
    this.report('wrong answer', `${how}: a user that was never asked for: ${seen.firstName}`);
  }

  /** Judges what is stored once all is quiet: decides which writes were lost. */
  audited(history: UserHistory, seen: ShownUser | null, reading: Reading): void {
    const isForgiven = this.saw(history, seen, reading, 'audit', 'lost write');
    if (isForgiven) this.#lostAt.push(...history.undone(seen));
  }

  /** The reads of one user each while the fault was under way, or its consequences. */
  readsDuringFault(): Answer[] {
    return this.#readsOfOne.filter((read) => this.#isDuringFault(read));
  }

  /** Notes how the users of healthy primaries fared. */
  sawOthers({ refused, slowestMs }: Others): void {
    this.#othersSlowestMs = slowestMs;
    for (const { request, began, text } of refused) {
      const what = `${request} ${this.#sinceFault(began)}, although its primary was well: ${text}`;
      this.report('not available', what);
    }
  }

  report(kind: Violation['kind'], what: string): void {
    this.#violations.push({ kind, what });
  }

  findings(): Findings {
    const { from, until } = this.#fault;
    const after = this.#refusedAt.filter((at) => at >= from).map((at) => at - until);
    return {
      answers: this.#answers,
      refused: this.#refusedAt.length,
      slowestMs: this.#slowestMs,
      recoveryMs: Math.max(0, ...after),
      lost: this.#lostAt.length,
      lostUntilMs: this.#lostAt.length === 0 ? undefined : Math.max(...this.#lostAt) - until,
      othersSlowestMs: this.#othersSlowestMs,
      violations: this.#violations,
    };
  }

  #mayRefuse(answer: Answer): boolean {
    const { refusals } = this.#fault;
    const isMeant = refusals === 'everything' || (refusals === 'writes' && answer.kind === 'write');
    return isMeant && answer.kind !== 'probe' && this.#isDuringFault(answer);
  }

  #isDuringFault({ began, ended }: Reading): boolean {
    return ended >= this.#fault.from && began <= this.#fault.until + RECOVERY_MS;
  }

  #sinceFault(now: number): string {
    const { from, until } = this.#fault;
    if (now < from) return 'before the fault';
    if (now < until) return `${Math.round(now - from)} ms into the fault`;
    return `${Math.round(now - until)} ms after the fault was over`;
  }
}
