import { flagOf } from '../errors/flag-of.js';
import { refuseUnknownOptions } from '../errors/unknown-options.js';
import { findRedisServer, requireRedisServer } from './find-redis-server.js';
import { EmbeddedTestServer } from './embedded-test-server.js';
import { startRealServer } from './real-test-server.js';
import type { RedisTestServer } from './redis-test-server.js';
import { generateTlsMaterial } from './tls-material.js';

export interface StartRedisOptions {
  /**
   * More arguments for the server, e.g. `['--maxmemory', '2mb']`. Needs a real server.
   *
   * @default nothing is persisted
   */
  readonly args?: readonly string[];
  /** What clients must AUTH with. @default none */
  readonly password?: string;
  /** Speak TLS only, with certificates made on the spot. Needs a real server. @default false */
  readonly tls?: boolean;
}

const OPTIONS = { args: true, password: true, tls: true } as const satisfies Record<
  keyof StartRedisOptions,
  true
>;

/**
 * Starts an empty Redis on a free loopback port, in 9-20 ms. Without a server program on this machine
 * it is the embedded one, which is enough for ordinary commands.
 *
 * @example
 * const redis = await startRedis();
 * afterAll(() => redis.stop());
 * @throws RedisConfigurationException if `args` or `tls` are asked for and there is no real server, and
 * for an unknown option
 * @publicApi
 */
export async function startRedis(options: StartRedisOptions = {}): Promise<RedisTestServer> {
  refuseUnknownOptions(options, OPTIONS, 'startRedis: ');
  const { args, password } = options;
  const tls = flagOf('startRedis: tls', options.tls, false);
  if (args === undefined && !tls && (await findRedisServer()) === undefined) {
    return EmbeddedTestServer.start(password);
  }
  const binary = await requireRedisServer(tls ? 'startRedis({ tls })' : 'startRedis({ args })');
  return startRealServer({
    binary: binary.path,
    args: () => args ?? [],
    password,
    tls: tls ? generateTlsMaterial() : undefined,
  });
}
