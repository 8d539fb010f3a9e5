import { flagOf } from '../errors/flag-of.js';
import { refuseUnknownOptions } from '../errors/unknown-options.js';
import { requireRedisServer } from './find-redis-server.js';
import { startRealServer } from './real-test-server.js';
import { sendCommand, type RedisReply } from './redis-command.js';
import { startTogether, stopAll, type RedisTestServer } from './redis-test-server.js';
import { startRedis } from './start-redis.js';
import { startReplica } from './start-replica.js';
import { generateTlsMaterial } from './tls-material.js';
import { waitUntil } from './wait-until.js';

/** One primary, two replicas and three sentinels that watch them. */
export interface RedisTestSentinel extends AsyncDisposable {
  /** The name under which the sentinels know the primary. */
  readonly name: string;
  readonly sentinels: readonly RedisTestServer[];
  /** The primary at the start; after a failover call `currentPrimary()`. */
  readonly primary: RedisTestServer;
  readonly replicas: readonly RedisTestServer[];
  /** Returns the server that the sentinels name as the primary now. */
  currentPrimary(): Promise<RedisTestServer>;
  stop(): Promise<void>;
}

export interface StartSentinelOptions {
  /** Whether the primary and the replicas speak TLS only; the sentinels speak it to them. @default false */
  readonly tls?: boolean;
  /** Whether the sentinels speak TLS only to clients. @default the value of `tls` */
  readonly sentinelTls?: boolean;
  /** The password of the primary and the replicas. @default none */
  readonly password?: string;
  /** The password of the sentinels. @default none */
  readonly sentinelPassword?: string;
}

const OPTIONS = {
  tls: true,
  sentinelTls: true,
  password: true,
  sentinelPassword: true,
} as const satisfies Record<keyof StartSentinelOptions, true>;

const NAME = 'test-primary';
const QUORUM = 2;

/**
 * Makes sentinels find each other in 0.3 s instead of 2 s; possible since 7.0. A shorter PING-PERIOD was
 * tried, too: all sentinels then ask for votes at the same time, and a failover takes 6-20 s instead of
 * 2.5 s.
 */
const QUICK_DISCOVERY = ['INFO-PERIOD', '200', 'PUBLISH-PERIOD', '100'];

/**
 * Starts a primary, two replicas and three sentinels, and waits until all know each other.
 *
 * @throws RedisConfigurationException if there is no real server, and for an unknown option
 * @publicApi
 */
export async function startSentinel(
  options: StartSentinelOptions = {},
): Promise<RedisTestSentinel> {
  refuseUnknownOptions(options, OPTIONS, 'startSentinel: ');
  const { password, sentinelPassword } = options;
  const isTls = flagOf('startSentinel: tls', options.tls, false);
  const isSentinelTls = flagOf('startSentinel: sentinelTls', options.sentinelTls, isTls);
  const { path } = await requireRedisServer('startSentinel()');
  const started: RedisTestServer[] = [];
  const stop = (): Promise<void> => stopAll(started);
  try {
    const access = { tls: isTls, ...(password !== undefined && { password }) };
    const primary = await startRedis({ args: [], ...access });
    started.push(primary);
    const replicas = await startTogether(2, () => startReplica(primary));
    started.push(...replicas);
    const configFile = sentinelConfiguration(primary);
    const sentinels = await startTogether(3, () =>
      startRealServer({
        binary: path,
        args: () => ['--sentinel'],
        configFile,
        password: sentinelPassword,
        tls: isTls || isSentinelTls ? (primary.tls ?? generateTlsMaterial()) : undefined,
        listens: isSentinelTls ? 'tls' : 'plain',
      }),
    );
    started.push(...sentinels);
    await untilTheyAgree(sentinels);
    return {
      name: NAME,
      sentinels,
      primary,
      replicas,
      currentPrimary: () => askForPrimary(sentinels, [primary, ...replicas]),
      stop,
      [Symbol.asyncDispose]: stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** A sentinel needs a file of its own, into which it writes its state. */
function sentinelConfiguration({ host, port, password }: RedisTestServer): string {
  return [
    `sentinel monitor ${NAME} ${host} ${port} ${QUORUM}`,
    ...(password === undefined ? [] : [`sentinel auth-pass ${NAME} ${JSON.stringify(password)}`]),
    `sentinel down-after-milliseconds ${NAME} 500`,
    `sentinel failover-timeout ${NAME} 2000`,
    `sentinel parallel-syncs ${NAME} 1`,
    '',
  ].join('\n');
}

async function untilTheyAgree(sentinels: readonly RedisTestServer[]): Promise<void> {
  await Promise.all(
    sentinels.map((sentinel) =>
      // Redis before 7.0 refuses it: the topology then needs a few seconds more.
      sendCommand(sentinel, 'SENTINEL', 'DEBUG', ...QUICK_DISCOVERY).catch(() => null),
    ),
  );
  await waitUntil('the sentinels know each other and the replicas', async () => {
    const facts = await Promise.all(
      sentinels.map((sentinel) => sendCommand(sentinel, 'SENTINEL', 'MASTER', NAME)),
    );
    return facts.every(
      (fact) => factOf(fact, 'num-other-sentinels') === '2' && factOf(fact, 'num-slaves') === '2',
    );
  });
}

/** Reads one fact of a reply, which is a flat list of names and values. */
function factOf(reply: RedisReply, name: string): RedisReply | undefined {
  return Array.isArray(reply)
    ? (reply as readonly RedisReply[])[reply.indexOf(name) + 1]
    : undefined;
}

async function askForPrimary(
  sentinels: readonly RedisTestServer[],
  servers: readonly RedisTestServer[],
): Promise<RedisTestServer> {
  const address = await Promise.any(
    sentinels.map((sentinel) => sendCommand(sentinel, 'SENTINEL', 'GET-MASTER-ADDR-BY-NAME', NAME)),
  );
  const port = Array.isArray(address) ? Number(address[1]) : undefined;
  const primary = servers.find((server) => server.port === port);
  if (primary === undefined) throw new Error(`the sentinels name an unknown port: ${port}`);
  return primary;
}
