import type { Losses, Made } from './losses.js';

/** A user as the API shows it. */
export interface ShownUser {
  readonly id: string;
  readonly firstName: string;
  readonly lastName: string;
  readonly email: string;
  /** Only in a profile. */
  readonly displayName?: string;
}

/** One change as it was asked for. Its place in the history is its version. */
interface Change {
  readonly what: 'set' | 'delete';
  /** Only if the change names an e-mail. */
  readonly email: string | undefined;
  readonly sentAt: number;
  /** Not known until, and unless, the API acknowledges it. */
  ackedAt: number | undefined;
  isRefused: boolean;
}

/** How a change ended. */
export interface PendingChange {
  readonly version: number;
  acknowledged(now: number): void;
  /** The API said that it was not made. Without either call its outcome stays unknown. */
  refused(): void;
}

/** Facts that a reader knows about its own read. */
export interface Reading {
  readonly began: number;
  readonly ended: number;
}

/** Describes why an answer is wrong. */
export interface Mistake {
  /** Right at some time, and too old now. */
  readonly isOld: boolean;
  readonly what: string;
}

/**
 * Records all requests about one user, and decides what a reader may see of it.
 *
 * One caller makes all changes of a user, one after the other, and writes the version into `lastName`. A
 * reader may see the newest version acknowledged before the reading began, or any later one that was sent
 * before the reading ended: also one whose outcome is unknown. It may never see an older one.
 */
export class UserHistory {
  readonly #changes: Change[] = [];
  readonly #losses: Losses;

  /** @param mark the first name, which no other user has and which never changes */
  constructor(
    readonly id: string,
    readonly mark: string,
    created: { readonly email: string; readonly sentAt: number; readonly ackedAt: number },
    losses: Losses,
  ) {
    this.#losses = losses;
    const { email, sentAt, ackedAt } = created;
    const never = { sentAt: -Infinity, ackedAt: -Infinity, isRefused: false };
    this.#changes.push({ what: 'delete', email: undefined, ...never });
    this.#changes.push({ what: 'set', email, sentAt, ackedAt, isRefused: false });
  }

  /** The version that the next `begin()` will give. */
  get nextVersion(): number {
    return this.#changes.length;
  }

  begin(what: Change['what'], email: string | undefined, now: number): PendingChange {
    const change: Change = { what, email, sentAt: now, ackedAt: undefined, isRefused: false };
    const version = this.#changes.push(change) - 1;
    return {
      version,
      acknowledged: (at) => {
        change.ackedAt = at;
      },
      refused: () => {
        change.isRefused = true;
      },
    };
  }

  /** @returns what is wrong with what a reader saw, if anything; `null` means that it saw no user */
  judge(seen: ShownUser | null, { began, ended }: Reading): Mistake | undefined {
    const floor = this.#floor(began);
    if (seen === null && this.#mayBeAbsent(floor, ended)) return undefined;
    const mixedUp = seen === null ? undefined : this.#mixedUp(seen, ended);
    if (mixedUp !== undefined) return { isOld: false, what: mixedUp };
    if (seen !== null && versionOf(seen) >= floor) return undefined;
    const shown = seen === null ? 'no user' : `version ${versionOf(seen)}`;
    const sinceMs = Math.round(began - this.#made(floor).ackedAt);
    return { isOld: true, what: `${shown}, ${sinceMs} ms after version ${floor} was acknowledged` };
  }

  /** The e-mail that this user certainly has, and keeps others from having; `undefined` if in doubt. */
  certainEmail(now: number): string | undefined {
    const version = this.#certainVersion(now);
    if (version === undefined || this.#changes[version]?.what === 'delete') return undefined;
    const since = this.#changes.findLastIndex(
      ({ email, isRefused }, at) => at <= version && email !== undefined && !isRefused,
    );
    const made = this.#made(since);
    const isCertain = made.ackedAt !== Infinity && !this.#losses.mayUndo(made);
    if (!isCertain || this.#losses.mayVanish(made, now)) return undefined;
    return this.#changes[since]?.email;
  }

  /** Whether there is certainly no such user any more. */
  isCertainlyGone(now: number): boolean {
    const version = this.#certainVersion(now);
    return version !== undefined && this.#changes[version]?.what === 'delete';
  }

  /** Acknowledged changes that are not there although nothing came after them: when they were. */
  undone(seen: ShownUser | null): number[] {
    const shown = seen === null ? 0 : versionOf(seen);
    const newest = this.#changes.findLastIndex(({ ackedAt }) => ackedAt !== undefined);
    const mayBeDeleted = this.#changes
      .slice(newest)
      .some(({ what, isRefused }) => what === 'delete' && !isRefused);
    if (seen === null && mayBeDeleted) return [];
    return this.#changes
      .slice(shown + 1)
      .flatMap(({ ackedAt }) => (ackedAt === undefined ? [] : [ackedAt]));
  }

  /** The oldest version that a reading which began then may see. */
  #floor(began: number): number {
    return this.#changes.findLastIndex(
      ({ sentAt, ackedAt }) =>
        ackedAt !== undefined && ackedAt < began && !this.#losses.mayUndo({ sentAt, ackedAt }),
    );
  }

  #mayBeAbsent(floor: number, ended: number): boolean {
    const isDeleted = this.#changes.some(
      ({ what, sentAt, isRefused }, version) =>
        version >= floor && what === 'delete' && sentAt <= ended && !isRefused,
    );
    return isDeleted || this.#losses.mayVanish(this.#made(floor), ended);
  }

  /** Describes an answer that was right at no time, however old it is. */
  #mixedUp(seen: ShownUser, ended: number): string | undefined {
    if (seen.id !== this.id || seen.firstName !== this.mark) {
      return `the data of another user: ${seen.firstName}`;
    }
    const version = versionOf(seen);
    const change = this.#changes[version];
    if (change?.what !== 'set' || change.sentAt > ended) return `${seen.lastName}, never written`;
    if (change.isRefused) return `version ${version}, which was refused`;
    if (!this.#emailsAt(version).includes(seen.email)) {
      return `version ${version} with the e-mail of another one: ${seen.email}`;
    }
    const displayName = `${seen.firstName} ${seen.lastName}`;
    if ((seen.displayName ?? displayName) !== displayName) return `the name ${seen.displayName}`;
    return undefined;
  }

  /** The e-mails that a version may have: those of changes before it may or may not have been made. */
  #emailsAt(version: number): string[] {
    const emails: string[] = [];
    for (let at = version; at > 0; at--) {
      const change = this.#changes[at];
      if (change?.email === undefined || change.isRefused) continue;
      emails.push(change.email);
      const isSettled = change.ackedAt !== undefined && !this.#losses.mayUndo(this.#made(at));
      if (at === version || isSettled) break;
    }
    return emails;
  }

  /** The newest version, if nothing that came after it, and nothing that Redis may have lost, is in doubt. */
  #certainVersion(now: number): number | undefined {
    const version = this.#floor(now);
    const isNewest = this.#changes.slice(version + 1).every(({ isRefused }) => isRefused);
    return isNewest && !this.#losses.mayVanish(this.#made(version), now) ? version : undefined;
  }

  #made(version: number): Made {
    const { sentAt = Infinity, ackedAt = Infinity } = this.#changes[version] ?? {};
    return { sentAt, ackedAt };
  }
}

/** NaN if it is none of ours. */
function versionOf({ lastName }: ShownUser): number {
  return Number(/^v(\d+)$/.exec(lastName)?.[1] ?? Number.NaN);
}
