import { mayBeOneKeysFault } from '../../batch/multi-key.js';
import { NO_SLOT } from '../../batch/read-command.js';
import type { Connection } from '../../connection/connection.js';
import { isCluster, slotOf } from '../../connection/driver/hash-slots.js';
import { RedisException } from '../../errors/redis.exception.js';
import { ClaimCommand, type Claim, type ClaimAnswer } from './claim-command.js';
import type { DependencyVersions } from './dependency-versions.js';
import type { ServerClock } from './server-clock.js';

/** The versions of dependencies by label, `null` for those that are being changed. A loader adds others. */
export type Captured = Map<string, string | null>;

/** Makes a claim, and is given the answer. */
export interface ClaimSink {
  readonly claim: Claim;
  /**
   * Called as each of its commands is answered, and before it is given anything.
   *
   * @param slot of the keys that the command named; {@link NO_SLOT} where there is one server
   */
  heard(slot: number, failure: RedisException | undefined): void;
  answered(answer: ClaimAnswer, versions: Captured): void;
  failed(error: unknown): void;
}

/** The most leases and versions of one command: that holds up the server for about a millisecond. */
const MOST = 256;

/**
 * Turns the claims that are made in one tick into one command; in a cluster into one for each hash slot,
 * sent together. What many loads depend on is captured once for all of them.
 *
 * If a command fails, and one of its claims may be the cause, each is made again on its own: a claim that
 * is sent twice gets the same answer twice.
 *
 * @internal
 */
export class Claims {
  readonly #connection: Connection;
  readonly #versions: DependencyVersions;
  readonly #clock: ServerClock;
  readonly #isCluster: boolean;
  #collected: SharedCommand[] = [];

  constructor(connection: Connection, versions: DependencyVersions, clock: ServerClock) {
    this.#connection = connection;
    this.#versions = versions;
    this.#clock = clock;
    this.#isCluster = isCluster(connection.client);
  }

  /** Sends it at the end of this tick. */
  add(sink: ClaimSink): void {
    const claim = new WaitingClaim(sink);
    const { all, versions } = sink.claim.dependencies;
    const slots = this.#isCluster ? slotsOf(sink.claim) : ONE_SERVER;
    for (const slot of slots) {
      claim.missing++;
      this.#commandAt(slot, 1 + all.length).add(claim);
    }
    if (versions.keys.length < all.length) this.#addContents(claim);
  }

  /** The command of this slot that has room for so many leases and versions, or a new one. */
  #commandAt(slot: number, room: number): SharedCommand {
    if (this.#collected.length === 0) process.nextTick(this.#send);
    const latest = this.#collected.findLast((one) => one.slot === slot);
    if (latest && latest.command.size + room <= MOST) return latest;
    const added = new SharedCommand(slot);
    this.#collected.push(added);
    return added;
  }

  /** Fingerprints are computed, each with a command of its own. */
  #addContents(claim: WaitingClaim): void {
    for (const { by, key, label } of claim.sink.claim.dependencies.all) {
      if (by === 'version') continue;
      claim.missing++;
      this.#versions.contentVersion(key).then(
        (version) => {
          claim.contents.set(label, version);
          claim.heard(slotOf(key));
        },
        (error: unknown) => {
          claim.failed(slotOf(key), error);
        },
      );
    }
  }

  readonly #send = (): void => {
    const collected = this.#collected;
    this.#collected = [];
    for (const shared of collected) void this.#run(shared);
  };

  async #run(shared: SharedCommand): Promise<void> {
    const { client } = this.#connection;
    const askedAt = performance.now();
    try {
      await this.#connection.run(() => shared.command.run(client));
    } catch (error) {
      this.#failed(shared, error);
      return;
    }
    if (shared.hasClaims) this.#clock.learn(shared.command.now, askedAt);
    for (const claim of shared.waiting) {
      claim.answers.push(shared.command);
      claim.heard(shared.slot);
    }
  }

  #failed({ slot, waiting }: SharedCommand, error: unknown): void {
    const mayBeOne = error instanceof RedisException && mayBeOneKeysFault(error);
    if (waiting.length === 1 || !mayBeOne) {
      for (const claim of waiting) claim.failed(slot, error);
      return;
    }
    for (const claim of waiting) {
      if (claim.hasFailed) continue; // its lease has been given back, and must not be taken after that
      const alone = new SharedCommand(slot);
      alone.add(claim);
      void this.#run(alone);
    }
  }
}

const ONE_SERVER: Iterable<number> = [NO_SLOT];

/** The hash slots of the lease and of the versions, each once. */
function slotsOf({ keys, dependencies }: Claim): Iterable<number> {
  return new Set([slotOf(keys.entry), ...dependencies.versions.keys.map(({ slot }) => slot)]);
}

/** A command, and the claims that wait for its answer. */
class SharedCommand {
  readonly command = new ClaimCommand();
  readonly waiting: WaitingClaim[] = [];
  /** The hash slot of all of its keys. */
  readonly slot: number;
  hasClaims = false;

  constructor(slot: number) {
    this.slot = slot;
  }

  /** Asks for the part of the claim that is in this slot. */
  add(waiting: WaitingClaim): void {
    const { claim } = waiting.sink;
    const { slot, command } = this;
    if (slot === NO_SLOT || slot === slotOf(claim.keys.entry)) {
      waiting.command = command;
      waiting.place = command.claim(claim);
      this.hasClaims = true;
    }
    for (const dependency of claim.dependencies.all) {
      const { read } = dependency;
      if (read && (slot === NO_SLOT || slot === read.slot))
        command.capture(dependency, claim.liveMs);
    }
    this.waiting.push(waiting);
  }
}

/** A claim, and what of it has been answered. */
class WaitingClaim {
  readonly sink: ClaimSink;
  /** For how many answers it waits. */
  missing = 0;
  /** The command that names its lease, and the place of its answer there. */
  command: ClaimCommand | undefined;
  place = 0;
  /** The commands that have been answered. */
  readonly answers: ClaimCommand[] = [];
  /** The versions of what is compared by its content, by label. */
  readonly contents = new Map<string, string>();

  constructor(sink: ClaimSink) {
    this.sink = sink;
  }

  get hasFailed(): boolean {
    return this.missing === Number.POSITIVE_INFINITY;
  }

  heard(slot: number): void {
    this.sink.heard(slot, undefined);
    if (--this.missing > 0) return;
    const { sink, command, place } = this;
    const versions: Captured = new Map();
    for (const { label, by, key } of sink.claim.dependencies.all) {
      versions.set(
        label,
        by === 'version' ? this.#versionAt(key) : (this.contents.get(label) ?? null),
      );
    }
    sink.answered((command as ClaimCommand).answerAt(place), versions);
  }

  failed(slot: number, error: unknown): void {
    this.missing = Number.POSITIVE_INFINITY; // what is answered later comes too late
    this.sink.heard(slot, error instanceof RedisException ? error : undefined);
    this.sink.failed(error);
  }

  #versionAt(key: string): string | null {
    for (const command of this.answers) {
      const version = command.versionAt(key);
      if (version !== undefined) return version;
    }
    return null;
  }
}
