import { RedisException, type RedisExceptionOptions } from './redis.exception.js';

export interface RedisUnconfirmedFacts {
  /** How many replicas have confirmed the invalidation. */
  readonly confirmed: number;
  /** How many replicas the cache asks for: its option `invalidation.replicas`. */
  readonly replicas: number;
  /** How long the primary waited for them, in milliseconds: `invalidation.timeout`. */
  readonly timeoutMs: number;
  /**
   * `late`: too few replicas confirmed it in time; `interrupted`: the connection broke, or the server stopped
   * being a primary; `refused`: the server does not execute WAIT.
   */
  readonly reason: 'late' | 'interrupted' | 'refused';
}

/**
 * Thrown when an invalidation is done on the primary, and fewer replicas than the cache's option
 * `invalidation` demands have confirmed it. Until they have it, a failover may undo it. Repeating it is safe.
 * A cache with an `outbox` repeats it itself, unless the server does not execute WAIT.
 *
 * @publicApi
 */
export class RedisUnconfirmedException extends RedisException {
  override readonly name = 'RedisUnconfirmedException';
  readonly code = 'REDIS_UNCONFIRMED';
  /** How many replicas have confirmed the invalidation. */
  readonly confirmed: number;
  /** How many replicas the cache asks for: its option `invalidation.replicas`. */
  readonly replicas: number;
  /** How long the primary waited for them, in milliseconds: `invalidation.timeout`. */
  readonly timeoutMs: number;
  /**
   * `late`: too few replicas confirmed it in time; `interrupted`: the connection broke, or the server stopped
   * being a primary; `refused`: the server does not execute WAIT.
   */
  readonly reason: RedisUnconfirmedFacts['reason'];

  constructor(facts: RedisUnconfirmedFacts, options?: RedisExceptionOptions) {
    super(
      'The invalidation is done on the primary, but not confirmed by ' +
        `${facts.replicas === 1 ? 'a replica' : `${facts.replicas} replicas`}: ${REASONS[facts.reason](facts)}`,
      options,
    );
    this.confirmed = facts.confirmed;
    this.replicas = facts.replicas;
    this.timeoutMs = facts.timeoutMs;
    this.reason = facts.reason;
  }
}

const REPEAT = 'A failover may undo it. Repeat it, or give the cache an outbox.';

const REASONS: Readonly<
  Record<RedisUnconfirmedFacts['reason'], (facts: RedisUnconfirmedFacts) => string>
> = {
  late: ({ confirmed, timeoutMs }) =>
    `${confirmed} confirmed it within ${timeoutMs} ms. ${REPEAT} If that happens often, see whether the ` +
    "server has so many replicas and how far they lag; the cache's option is invalidation.",
  interrupted: () =>
    `the connection broke, or the server stopped being the primary, before they could. ${REPEAT}`,
  refused: () =>
    "the server does not execute WAIT. Use a server with replicas and allow the user +wait, or leave the cache's " +
    'option invalidation out.',
};
