import type { ReadSink } from '../../batch/read-command.js';
import { slotOf } from '../../connection/driver/hash-slots.js';
import type { RedisClient } from '../../connection/options/options.js';
import { RedisConfigurationException } from '../../errors/redis-configuration.exception.js';
import type { RedisException } from '../../errors/redis.exception.js';
import type { Dependency } from '../entry/dependency.js';
import type { Ask } from '../outage/attempt.js';
import { FINGERPRINT, LARGEST_CONTENT } from './scripts.js';

/**
 * What keys hold that have no version: compared by fingerprints, so that the content need not travel.
 *
 * @internal
 */
export class Fingerprints {
  readonly #client: RedisClient;
  readonly #door: Ask;

  /** @param door makes the driver's errors ours */
  constructor(client: RedisClient, door: Ask) {
    this.#client = client;
    this.#door = door;
  }

  async of(key: string): Promise<string> {
    const reply = FINGERPRINT.run(this.#client, [key], [`${LARGEST_CONTENT}`, '']);
    const [fingerprint] = (await this.#door(key, reply)) as [string];
    return fingerprint;
  }

  /** @throws RedisConfigurationException for content that would hold up the server at each comparison */
  async fitting(key: string): Promise<string> {
    return fitting(key, await this.of(key));
  }

  /**
   * The text at a key, and its fingerprint.
   *
   * @throws RedisConfigurationException for content that would hold up the server at each comparison
   */
  async content(key: string): Promise<{ text: string | null; version: string }> {
    const reply = FINGERPRINT.run(this.#client, [key], [`${LARGEST_CONTENT}`, 'content']);
    const [version, text] = (await this.#door(key, reply)) as [string, string | null];
    return { text, version: fitting(key, version) };
  }

  /** A sink for a read of the versions among these: it gives `sink` the fingerprints between them. */
  beside(sink: ReadSink, dependencies: readonly Dependency[]): ReadSink {
    const contents = dependencies.filter(({ by }) => by === 'fingerprint');
    const asked = Promise.all(
      contents.map(({ key }) => {
        const print = this.of(key);
        const heard = (failure?: RedisException) => {
          sink.heard(slotOf(key), failure);
        };
        print.then(() => {
          heard();
        }, heard);
        return print;
      }),
    );
    asked.catch(() => undefined); // who waits for it does not yet
    const combine = (versions: readonly (string | null)[], prints: readonly string[]) => {
      const found = { version: versions.values(), fingerprint: prints.values() };
      return dependencies.map(({ by }) => found[by].next().value ?? null);
    };
    return {
      heard: (slot, failure) => {
        sink.heard(slot, failure);
      },
      succeed: (stored, versions) => {
        asked.then(
          (prints) => {
            sink.succeed(stored, combine(versions, prints));
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
}

function fitting(key: string, fingerprint: string): string {
  if (fingerprint !== 'large') return fingerprint;
  const accepted = `a key that holds at most ${LARGEST_CONTENT} bytes; for this one use a tag, and invalidate it with every write`;
  throw new RedisConfigurationException([{ setting: 'dependsOn', value: key, accepted }]);
}
