/**
 * @module keys Builds, parses and matches keys. The only owner of prefixes: ioredis's `keyPrefix`
 * is not applied to SCAN and friends and is refused elsewhere.
 */
import { RedisInvalidKeyException } from '../errors/redis-invalid-key.exception.js';
import { decodePart, encodePart, type KeyPart } from './key-encoding.js';
import { siblingOf, splitSibling, VERSION, versionBeside } from './sibling.js';

export interface KeySpace {
  /** The application, so that several can share one Redis. */
  readonly app: string;
  /** The deployment, e.g. `production`, so that staging cannot touch its keys. */
  readonly environment: string;
}

/** A key taken apart; every text decoded. */
export interface ParsedKey extends KeySpace {
  /** Says what the key holds: `user`, `session`, `cache`, ... */
  readonly kind: string;
  readonly parts: readonly string[];
  /** The suffix of a {@link KeyBuilder.sibling}, `version` for the version of an entity; absent otherwise. */
  readonly sibling?: string;
}

/**
 * Builds `kind:{app}:{environment}:{part}[:{part}...]` (the braces are placeholders), e.g.
 * `user:myapp:production:123`. Parts are percent-encoded, so that no id can forge another key, a
 * glob pattern or a hash tag, and {@link parse} is the exact inverse. Never talks to Redis.
 *
 * @example
 * const keys = new KeyBuilder({ app: 'myapp', environment: 'production' });
 * keys.userKey(123);              // user:myapp:production:123
 * keys.cacheKey('post', 'a:b');   // cache:myapp:production:post:a%3Ab
 * keys.pattern('session');        // session:myapp:production:*
 *
 * @publicApi
 */
export class KeyBuilder {
  readonly app: string;
  readonly environment: string;
  readonly #space: string;
  readonly #owners = new Map<string, object>();

  /** @throws RedisInvalidKeyException if the application or the environment is empty */
  constructor({ app, environment }: KeySpace) {
    this.#space = encodeSpace({ app, environment });
    this.app = app;
    this.environment = environment;
  }

  userKey(id: KeyPart): string {
    return this.key('user', id);
  }

  sessionKey(id: KeyPart): string {
    return this.key('session', id);
  }

  cacheKey(resource: KeyPart, id: KeyPart): string {
    return this.key('cache', resource, id);
  }

  counterKey(name: KeyPart): string {
    return this.key('counter', name);
  }

  tagKey(name: KeyPart): string {
    return this.key('tag', name);
  }

  /**
   * A key of any kind.
   *
   * @throws RedisInvalidKeyException for a missing or empty part; the message says which
   */
  key(kind: string, ...parts: readonly [KeyPart, ...KeyPart[]]): string {
    if (parts.length === 0) throw new RedisInvalidKeyException('the list of parts', 'is empty');
    return this.#join(kind, parts);
  }

  /**
   * A glob for SCAN MATCH that finds every key of a kind, or of a kind whose first parts are the
   * given ones. The parts stand for themselves, whatever characters they contain.
   */
  pattern(kind: string, ...parts: readonly KeyPart[]): string {
    return `${this.#join(kind, parts)}:*`;
  }

  /**
   * A key that lives in the same hash slot as `key`: `{<key>}:suffix`, and for the suffix `version` the
   * version of an entity, `version:{app}:{environment}:{<key>}`, of which only the last braces are in the key
   * (https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#hash-tags).
   *
   * @throws RedisInvalidKeyException if `key` is no key of this format, or the suffix is empty
   */
  sibling(key: string, suffix: string): string {
    if (!parsePlain(key))
      throw new RedisInvalidKeyException('key', 'was not built by a KeyBuilder');
    if (suffix === VERSION) return versionBeside(key);
    return siblingOf(key, encodePart(suffix, 'suffix'));
  }

  /**
   * Takes a key apart; of any application and environment, so that a foreign key can be named.
   *
   * @returns `undefined` if no `KeyBuilder` can have built it
   */
  parse(key: string): ParsedKey | undefined {
    const split = splitSibling(key);
    if (!split) return parsePlain(key);
    const owner = parsePlain(split[0]);
    const sibling = decodePart(split[1]);
    return owner && sibling !== undefined ? { ...owner, sibling } : undefined;
  }

  /**
   * Gives a kind of keys to the first object that asks for it.
   *
   * @returns the owner of the kind
   * @internal
   */
  ownerOfKind(kind: string, applicant: object): object {
    const owner = this.#owners.get(kind) ?? applicant;
    this.#owners.set(kind, owner);
    return owner;
  }

  #join(kind: string, parts: readonly KeyPart[]): string {
    let key = `${encodePart(kind, 'kind')}:${this.#space}`;
    for (let i = 0; i < parts.length; i++) {
      key += `:${encodePart(parts[i] as KeyPart, `part ${i + 1}`)}`;
    }
    return key;
  }
}

/** The middle of every key of an application and environment. @internal */
export function encodeSpace({ app, environment }: KeySpace): string {
  return `${encodePart(app, 'app')}:${encodePart(environment, 'environment')}`;
}

function parsePlain(key: string): ParsedKey | undefined {
  const decoded = key.split(':').map(decodePart);
  if (decoded.includes(undefined)) return undefined;
  const [kind, app, environment, ...parts] = decoded as string[];
  if (kind === undefined || app === undefined || environment === undefined) return undefined;
  return parts.length === 0 ? undefined : { kind, app, environment, parts };
}
