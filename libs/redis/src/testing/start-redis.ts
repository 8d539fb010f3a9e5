import { flagOf } from '../errors/flag-of.js';
import { refuseUnknownOptions } from '../errors/unknown-options.js';
import { findRedisServer, anyServerRequired, requireRedisServer } from './find-redis-server.js';
import { EmbeddedTestServer } from './embedded-test-server.js';
import { startRealServer } from './real-test-server.js';
import type { RedisTestServer } from './redis-test-server.js';
import { generateTlsMaterial } from './tls-material.js';

export interface StartRedisOptions {
  /**
   * More arguments for the server, e.g. `['--maxmemory', '2mb']`. Needs a real server.
   *
   * @default none; the server persists nothing
   */
  readonly args?: readonly string[];
  /** The password that clients must send. @default none */
  readonly password?: string;
  /** Whether the server speaks TLS only, with new certificates. Needs a real server. @default false */
  readonly tls?: boolean;
}

const OPTIONS = { args: true, password: true, tls: true } as const satisfies Record<
  keyof StartRedisOptions,
  true
>;

/**
 * Starts an empty Redis on a free loopback port, in 9-20 ms. Without a server program on this machine it
 * starts the embedded server, in about 100 ms, which knows the usual commands.
 *
 * @example
 * const redis = await startRedis();
 * afterAll(() => redis.stop());
 * @throws RedisConfigurationException for a machine without any server, for `args` or `tls` without a real
 * one, and for an unknown option; it says what to install
 * @publicApi
 */
export async function startRedis(options: StartRedisOptions = {}): Promise<RedisTestServer> {
  refuseUnknownOptions(options, OPTIONS, 'startRedis: ');
  const { args, password } = options;
  const tls = flagOf('startRedis: tls', options.tls, false);
  if (args === undefined && !tls && (await findRedisServer()) === undefined) {
    return startEmbedded(password);
  }
  const binary = await requireRedisServer(tls ? 'startRedis({ tls })' : 'startRedis({ args })');
  return startRealServer({
    binary: binary.path,
    args: () => args ?? [],
    password,
    tls: tls ? generateTlsMaterial() : undefined,
  });
}

async function startEmbedded(password: string | undefined): Promise<RedisTestServer> {
  try {
    return await EmbeddedTestServer.start(password);
  } catch (error) {
    throw await anyServerRequired('startRedis()', (error as Error).message);
  }
}
