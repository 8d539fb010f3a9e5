import type { ReadCoalescer } from '../../batch/read-coalescer.js';
import type { ReadSink } from '../../batch/read-command.js';
import { groupBySlot, slotOf } from '../../connection/driver/hash-slots.js';
import type { RedisClient } from '../../connection/options/options.js';
import { RedisConfigurationException } from '../../errors/redis-configuration.exception.js';
import type { RedisException } from '../../errors/redis.exception.js';
import type { Dependency } from '../entry/dependencies.js';
import type { Versions } from '../entry/envelope.js';
import type { Ask } from '../outage/attempt.js';
import { ClaimCommand } from './claim-command.js';
import { FINGERPRINT, LARGEST_CONTENT } from './scripts.js';

/**
 * Reads and captures the versions of what entries depend on. Keys without a version are compared by
 * fingerprints, so that their content need not travel.
 *
 * @throws RedisException every method, for what Redis failed with
 * @internal
 */
export class DependencyVersions {
  readonly #client: RedisClient;
  readonly #coalescer: ReadCoalescer;
  readonly #sent: Ask;

  /** @param sent translates the driver's errors */
  constructor(client: RedisClient, coalescer: ReadCoalescer, sent: Ask) {
    this.#client = client;
    this.#coalescer = coalescer;
    this.#sent = sent;
  }

  /** The version that each of these has now. */
  now(dependencies: readonly Dependency[]): Promise<(string | null)[]> {
    return Promise.all(
      dependencies.map(({ by, key }) =>
        by === 'version' ? this.#sent(key, this.#coalescer.read(key)) : this.#fingerprint(key),
      ),
    );
  }

  /**
   * The versions of dependencies, made for those that have none. `null` for what is being changed.
   *
   * @throws RedisConfigurationException for content that would hold up the server at each comparison
   */
  async capture(dependencies: readonly Dependency[], liveMs: number): Promise<Versions> {
    const versions = new Map<string, string | null>();
    if (dependencies.length === 0) return versions;
    for (const { label } of dependencies) versions.set(label, null); // in the order they are named
    const byKey = new Map<string, Dependency>();
    const work: Promise<unknown>[] = [];
    for (const dependency of dependencies) {
      if (dependency.by === 'version') byKey.set(dependency.key, dependency);
      else work.push(this.#captureContent(dependency, versions));
    }
    for (const keys of groupBySlot(this.#client, [...byKey.keys()])) {
      const some = keys.map((key) => byKey.get(key) as Dependency);
      work.push(this.#captureVersions(some, liveMs, versions));
    }
    await Promise.all(work);
    return versions;
  }

  async #captureVersions(
    dependencies: readonly Dependency[],
    liveMs: number,
    versions: Map<string, string | null>,
  ): Promise<void> {
    const command = new ClaimCommand();
    for (const dependency of dependencies) command.capture(dependency, liveMs);
    await this.#sent((dependencies[0] as Dependency).key, command.run(this.#client));
    for (const { label, key } of dependencies) versions.set(label, command.versionAt(key) ?? null);
  }

  async #captureContent({ key, label }: Dependency, versions: Map<string, string | null>) {
    versions.set(label, await this.contentVersion(key));
  }

  /**
   * The fingerprint of a key as the version of a dependency.
   *
   * @throws RedisConfigurationException for content that would hold up the server at each comparison
   */
  async contentVersion(key: string): Promise<string> {
    return fitting(key, await this.#fingerprint(key));
  }

  /**
   * The text at a key together with the fingerprint that it has as a dependency.
   *
   * @throws RedisConfigurationException for content that would hold up the server at each comparison
   */
  async contentOf(key: string): Promise<{ text: string | null; version: string }> {
    const reply = FINGERPRINT.run(this.#client, [key], [`${LARGEST_CONTENT}`, 'content']);
    const [version, text] = (await this.#sent(key, reply)) as [string, string | null];
    return { text, version: fitting(key, version) };
  }

  /** Makes a sink for a read of the versions among these. It gives `sink` the fingerprints between them. */
  beside(sink: ReadSink, dependencies: readonly Dependency[]): ReadSink {
    const contents = dependencies.filter(({ by }) => by === 'fingerprint');
    const asked = Promise.all(
      contents.map(({ key }) => {
        const fingerprint = this.#fingerprint(key);
        const heard = (failure?: RedisException) => {
          sink.heard(slotOf(key), failure);
        };
        fingerprint.then(() => {
          heard();
        }, heard);
        return fingerprint;
      }),
    );
    asked.catch(() => undefined); // it is awaited later
    const combine = (versions: readonly (string | null)[], fingerprints: readonly string[]) => {
      const found = { version: versions.values(), fingerprint: fingerprints.values() };
      return dependencies.map(({ by }) => found[by].next().value ?? null);
    };
    return {
      heard: (slot, failure) => {
        sink.heard(slot, failure);
      },
      succeed: (stored, versions) => {
        asked.then(
          (fingerprints) => {
            sink.succeed(stored, combine(versions, fingerprints));
          },
          (error: unknown) => {
            sink.fail(error as Error);
          },
        );
      },
      fail: (error) => {
        sink.fail(error);
      },
    };
  }

  async #fingerprint(key: string): Promise<string> {
    const reply = FINGERPRINT.run(this.#client, [key], [`${LARGEST_CONTENT}`, '']);
    const [fingerprint] = (await this.#sent(key, reply)) as [string];
    return fingerprint;
  }
}

function fitting(key: string, fingerprint: string): string {
  if (fingerprint !== 'large') return fingerprint;
  const accepted = `a key that holds at most ${LARGEST_CONTENT} bytes; for this one use a tag, and invalidate it with every write`;
  throw new RedisConfigurationException([{ setting: 'dependsOn', value: key, accepted }]);
}
