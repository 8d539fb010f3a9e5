import { RedisException } from '../errors/redis.exception.js';
import { RedisInvalidationException } from '../errors/redis-invalidation.exception.js';
import { refuseUnknownOptions } from '../errors/unknown-options.js';
import { withDeadline } from '../time/deadline.js';
import { nameOfKey, type CacheKeys } from './cache-keys.js';
import type { CacheChange } from './cache-options.js';
import type { CacheAnnouncer } from './cache-announcer.js';
import type { ResolvedCacheOptions } from './cache-policy.js';
import type { Dependencies } from './entry/dependencies.js';
import type { Invalidation } from './invalidation.js';
import { Heartbeat } from './load/signs-of-life.js';
import { RedisAway } from './outage/waiting.js';
import type { CacheStore, Writer } from './store/cache-store.js';
import { uniqueId } from './store/tokens.js';

/** How many signs of life a writer gives in a `changeTtl`. */
const BEATS = 3;

/** How long a shutdown waits for work that is under way: as long as for the outbox. */
const LONGEST_CLOSE_MS = 2_000;

/** A tag or key that a change makes invalid, and how Redis is told. */
interface Subject {
  readonly kind: 'tag' | 'key';
  /** As the caller wrote it. */
  readonly name: string;
  /** Decides which server is told, and names it in the outbox. */
  readonly key: string;
  announce(store: CacheStore, writer: Writer): Promise<void>;
  withdraw(store: CacheStore, token: string): Promise<unknown>;
  /**
   * Until when Redis certainly has the announcement, on the clock of `performance.now()`: readers see a
   * change that is committed until then, whatever becomes of this process and its connection.
   */
  coveredUntil: number;
}

/**
 * Makes the changes of one cache: announces each before its work begins and withdraws it after the work has
 * ended, so that no old value is cached in between or, if this process dies, afterwards.
 *
 * @internal
 */
export class Changes {
  readonly #keys: CacheKeys;
  readonly #dependencies: Dependencies;
  readonly #options: ResolvedCacheOptions;
  readonly #store: CacheStore;
  readonly #invalidation: Invalidation;
  readonly #announcer: CacheAnnouncer;
  /** Those under way, and the number of tags and keys of each. */
  readonly #running = new Map<Promise<unknown>, number>();

  constructor(
    keys: CacheKeys,
    dependencies: Dependencies,
    options: ResolvedCacheOptions,
    store: CacheStore,
    invalidation: Invalidation,
    announcer: CacheAnnouncer,
  ) {
    this.#keys = keys;
    this.#dependencies = dependencies;
    this.#options = options;
    this.#store = store;
    this.#invalidation = invalidation;
    this.#announcer = announcer;
  }

  async make<T>(what: CacheChange, work: () => T | Promise<T>): Promise<T> {
    refuseUnknownOptions(what, MEMBERS, 'change: ');
    const subjects = this.#subjectsOf(what);
    if (subjects.length === 0) return work();
    const making = this.#make(subjects, work);
    this.#running.set(making, subjects.length);
    try {
      return await making;
    } finally {
      this.#running.delete(making);
    }
  }

  /** Waits for changes under way, 2 s at most. @returns how many tags and keys are not withdrawn */
  async close(): Promise<number> {
    if (this.#running.size === 0) return 0;
    const ended = Promise.allSettled(this.#running.keys());
    await withDeadline(ended, LONGEST_CLOSE_MS, () => []);
    return [...this.#running.values()].reduce((sum, count) => sum + count, 0);
  }

  async #make<T>(subjects: readonly Subject[], work: () => T | Promise<T>): Promise<T> {
    const writer = { token: uniqueId(), liveMs: this.#options.changeTtlMs };
    await this.#begin(subjects, writer);
    const heartbeat = new Heartbeat(() => this.#beat(subjects, writer), writer.liveMs / BEATS);
    heartbeat.start();
    let result: T;
    try {
      result = await work();
    } catch (error) {
      heartbeat.stop();
      await this.#end(subjects, writer.token); // it may have been committed
      throw error;
    }
    heartbeat.stop();
    const failures = await this.#end(subjects, writer.token);
    const [cause] = failures.values();
    if (cause)
      throw new RedisInvalidationException({ ...namesOf(failures.keys()), result }, { cause });
    return result;
  }

  /** @throws RedisException what Redis failed with, if the cache is `closed`: nothing is announced then */
  async #begin(subjects: readonly Subject[], writer: Writer): Promise<void> {
    const failures: RedisException[] = [];
    const announce = async (subject: Subject) => {
      try {
        await this.#announce(subject, writer);
      } catch (error) {
        if (!(error instanceof RedisAway)) throw error;
        this.#announcer.failure(subject.key, 'change', error);
        failures.push(error.error);
      }
    };
    await Promise.all(subjects.map(announce));
    const [failure] = failures;
    if (!failure || this.#options.onOutage === 'open') return;
    for (const subject of subjects) subject.withdraw(this.#store, writer.token).catch(ignore);
    throw failure;
  }

  /** Sends nothing over a connection that is not ready: it would arrive after the change has ended. */
  async #beat(subjects: readonly Subject[], writer: Writer): Promise<void> {
    await Promise.allSettled(subjects.map((subject) => this.#announce(subject, writer)));
  }

  async #announce(subject: Subject, writer: Writer): Promise<void> {
    const { key } = subject;
    const budget = this.#store.budget(this.#options.policy.timeoutMs);
    const askedAt = performance.now();
    const undertaking = { key, operation: 'change', budget, keys: [key] };
    await this.#store.attempt(undertaking, (store) => subject.announce(store, writer));
    subject.coveredUntil = askedAt + writer.liveMs;
  }

  /** @returns those that are not withdrawn, will not be, and may have been cached during the change */
  async #end(
    subjects: readonly Subject[],
    token: string,
  ): Promise<ReadonlyMap<Subject, RedisException>> {
    const failures = new Map<Subject, RedisException>();
    const endedAt = performance.now();
    const withdraw = async (subject: Subject) => {
      const end = (store: CacheStore) => subject.withdraw(store, token);
      const isCovered = endedAt < subject.coveredUntil;
      const error = await this.#invalidation.insist(subject.key, end, isCovered);
      if (error instanceof RedisException && !isCovered) failures.set(subject, error);
    };
    await Promise.all(subjects.map(withdraw));
    this.#invalidation.announce('change', subjects.length, failures.size);
    return failures;
  }

  #subjectsOf({ tags = [], keys = [] }: CacheChange): Subject[] {
    const subjects = new Map<string, Subject>();
    for (const tag of tags) {
      const { key } = this.#dependencies.tag(tag);
      subjects.set(key, {
        kind: 'tag',
        name: String(tag),
        key,
        announce: (store, writer) => store.announce(key, writer),
        withdraw: (store, token) => store.drop(key, token),
        coveredUntil: 0,
      });
    }
    for (const named of keys) {
      const entry = this.#keys.of(named);
      subjects.set(entry.entry, {
        kind: 'key',
        name: nameOfKey(named),
        key: entry.entry,
        announce: (store, writer) => store.announceEntry(entry, writer),
        withdraw: (store, token) => store.remove(entry, token),
        coveredUntil: 0,
      });
    }
    return [...subjects.values()];
  }
}

const MEMBERS = { tags: true, keys: true } as const satisfies Record<keyof CacheChange, true>;

function namesOf(subjects: Iterable<Subject>) {
  const names = { tag: [] as string[], key: [] as string[] };
  for (const { kind, name } of subjects) names[kind].push(name);
  return { tags: names.tag, keys: names.key };
}

function ignore(): void {
  // an announcement that is not withdrawn ends by itself
}
