import { setTimeout } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type { ConnectionWarning } from '../../../telemetry/connection.events.js';
import { parseInfo } from '../info-fields.js';
import type { RedisAddress, ResolvedRedisOptions } from '../../options/options.js';
import { serverConnector } from '../wires/connectors.js';
import { divertWarnings } from '../wires/driver-warnings.js';

/** A replica that is to be the primary is asked whether it is at these intervals, and for this long. */
const POLL_MS = 10;
const LONGEST_MS = 5_000;

/**
 * Asks a replica that sentinels have chosen whether it is the primary yet, until it is.
 *
 * @param client how to connect to it
 * @param isWanted whether a client still waits for the answer
 * @returns `false` if it does not become the primary in time: then the sentinels will say what did
 * @internal
 */
export async function awaitPromotion(
  client: Redis,
  candidate: RedisAddress,
  {
    options,
    isWanted,
    warn,
  }: {
    readonly options: ResolvedRedisOptions;
    readonly isWanted: () => boolean;
    readonly warn: (about: ConnectionWarning['about']) => void;
  },
): Promise<boolean> {
  const asking = client.duplicate({
    ...candidate,
    Connector: serverConnector(options),
    sentinels: undefined,
    lazyConnect: true,
    enableReadyCheck: false,
    enableOfflineQueue: true, // it is asked before it is connected
    retryStrategy: () => POLL_MS, // the sentinels cut all connections when they promote it
    maxRetriesPerRequest: null,
    commandTimeout: LONGEST_MS,
  });
  asking.on('error', () => undefined);
  divertWarnings(asking, warn);
  try {
    const end = performance.now() + LONGEST_MS;
    while (performance.now() < end && isWanted()) {
      if (parseInfo(await asking.info('replication')).get('role') === 'master') return true;
      await setTimeout(POLL_MS, undefined, { ref: false });
    }
    return false;
  } catch {
    return false;
  } finally {
    asking.disconnect();
  }
}
