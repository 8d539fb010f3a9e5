import { isCluster } from '../../connection/driver/hash-slots.js';
import { TTL_OPTIONS } from '../../connection/driver/lua.js';
import { RedisScript } from '../../connection/driver/redis-script.js';
import type { RedisClient } from '../../connection/options/options.js';
import { classifyError } from '../../connection/driver/failures/classify-error.js';
import { translateError } from '../../connection/driver/failures/translate-error.js';
import { failureOf } from '../../connection/driver/failures/command-failures.js';
import { versionBeside } from '../../keys/sibling.js';
import { FORGET_VERSION } from '../lua.js';
import type { EntityWrite } from './entity-writer.js';

/** The most entities of one script, which takes about 3 us for each and holds up all others meanwhile. */
const MOST_ENTITIES = 128;

/** The most characters of one script, unless a single entity has more. */
const MOST_CHARACTERS = 256 * 1024;

type Save = Pick<EntityWrite, 'key' | 'text' | 'ttl'>;

interface WaitingSave extends Save {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Turns the saves that are asked for in one turn of the event loop into one script: starting a script
 * costs the server more than what it does for an entity. In a cluster they are sent one by one, because
 * a script has the keys of one hash slot.
 *
 * @internal
 */
export class SaveCoalescer {
  readonly #client: RedisClient;
  readonly #most: number;
  #waiting: WaitingSave[] = [];
  #characters = 0;

  constructor(client: RedisClient) {
    this.#client = client;
    this.#most = isCluster(client) ? 1 : MOST_ENTITIES;
  }

  /** @throws the driver's error, or a RedisException */
  save({ key, text, ttl }: Save): Promise<void> {
    if (this.#characters + text.length > MOST_CHARACTERS) this.#send();
    return new Promise((resolve, reject) => {
      this.#characters += text.length;
      const waiting = this.#waiting.push({ key, text, ttl, resolve, reject });
      if (waiting >= this.#most) this.#send();
      else if (waiting === 1) process.nextTick(this.#send);
    });
  }

  readonly #send = (): void => {
    const saves = this.#waiting;
    this.#waiting = [];
    this.#characters = 0;
    if (saves.length > 0) void this.#write(saves);
  };

  async #write(saves: readonly WaitingSave[]): Promise<void> {
    const keys = saves.flatMap(({ key }) => [key, versionBeside(key)]);
    const args = saves.flatMap(({ text, ttl }) => [text, String(ttl)]);
    try {
      await SAVE.run(this.#client, keys, args);
      for (const { resolve } of saves) resolve();
    } catch (error) {
      const together = saves.length > 1;
      const mayFareBetterAlone = together && mayBeOneKeysFault(error);
      for (const save of saves) {
        if (mayFareBetterAlone) void this.#write([save]);
        else save.reject(together ? errorOf(save, error) : error);
      }
    }
  }
}

/**
 * Whether one key may be the reason: an ACL forbids it, or the server does not have it. Nothing was written
 * then.
 */
function mayBeOneKeysFault(error: unknown): boolean {
  const kind = classifyError(error, true)?.kind;
  return kind === 'permission' || kind === 'command';
}

/** The error of a script names the key of its first entity, this exception the key of its own. */
function errorOf({ key }: Save, error: unknown): unknown {
  const failure = failureOf(error);
  return (failure && translateError(error, { ...failure, key })) ?? error;
}

/**
 * Writes several entities. A SET that can fail, for a full memory, fails at the first entity. KEYS: for each
 * an entity and its version. ARGV: for each a text and ttl.
 */
const SAVE = new RedisScript(`
${TTL_OPTIONS}
${FORGET_VERSION}
refuse_unless_forgettable(KEYS[2])
for i = 1, #KEYS, 2 do
  redis.call('SET', KEYS[i], ARGV[i], ttl_options(ARGV[i + 1]))
  forget_version(KEYS[i + 1])
end
`);
