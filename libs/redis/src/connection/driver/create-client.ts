/**
 * @module connection Clients and the pool of dedicated connections; in `options/` what they are made
 * from, in `wires/` how they are connected, in `recovery/` what replaces connections that lead nowhere or
 * to the wrong server, in `commands/` what happens to each command, in `translation/` what its failure
 * means. The only room that uses ioredis as a value.
 */
import { Cluster, Redis } from 'ioredis';
import type { Telemetry } from '../../telemetry/telemetry.js';
import { identify, identityOf, warningsOf } from '../connection.js';
import { prepareNode } from './commands/prepare-node.js';
import { superviseCommands } from './commands/supervise-commands.js';
import { DedicatedClient } from './dedicated-client.js';
import { driverOptionsOf, type DriverOptions } from './driver-options.js';
import { followFailures } from './wires/follow-failures.js';
import { openOutsideOfRequests } from './open-outside-of-requests.js';
import type { RedisClient, ResolvedRedisOptions } from '../options/options.js';
import { nodesOf, tryLastKnownNodes } from './recovery/last-known-nodes.js';
import { Recovery } from './recovery/recovery.js';
import { hideArguments } from './failures/command-failures.js';
import { divertWarnings } from './wires/driver-warnings.js';
import { keepAuthenticated } from './wires/keep-authenticated.js';
import { SentinelsFailedError } from './wires/sentinels-failed.error.js';

/**
 * Makes the client of a connection. It has an error listener and does not connect yet.
 *
 * @internal
 */
export function createClient(options: ResolvedRedisOptions, telemetry: Telemetry): RedisClient {
  const driver = driverOptionsOf(options);
  return prepare(open(driver, options), options, telemetry, new Recovery(options, telemetry));
}

/**
 * Makes a further client like the given one, for exclusive use. It does not connect yet. It speaks
 * RESP2, where a connection says whether it is in subscriber mode.
 *
 * @internal
 */
export function createDedicatedClient(
  source: RedisClient,
  options: ResolvedRedisOptions,
): DedicatedClient {
  const settings = { lazyConnect: true };
  const twin =
    'nodes' in source
      ? source.duplicate(nodesOf(source), settings)
      : source.duplicate({ ...settings, protocol: 2 });
  const { telemetry, recovery = new Recovery(options, telemetry) } = identityOf(source);
  return new DedicatedClient(prepare(twin, options, telemetry, recovery));
}

/** Connects to nothing yet. */
function open(driver: DriverOptions, { addresses }: ResolvedRedisOptions): RedisClient {
  const lazyConnect = true;
  if (driver.kind !== 'cluster') return new Redis({ ...driver.options, lazyConnect });
  const cluster = new Cluster([...driver.nodes], { ...driver.options, lazyConnect });
  tryLastKnownNodes(cluster, addresses);
  return cluster;
}

function prepare(
  client: RedisClient,
  options: ResolvedRedisOptions,
  telemetry: Telemetry,
  recovery: Recovery,
): RedisClient {
  const { name: connection, commandTimeoutMs } = options;
  identify(client, { connection, telemetry, recovery, commandTimeoutMs });
  followFailures(client);
  client.on('error', (error: Error) => {
    hideArguments(error);
    rejectIfRefused(client, error);
  }); // without a listener ioredis prints to the console
  if ('nodes' in client) {
    client.on('node error', hideArguments);
    client.on('+node', (node: Redis) => {
      openOutsideOfRequests(node);
      prepareServer(node, client, options);
    });
  } else {
    prepareServer(client, client, options);
  }
  openOutsideOfRequests(client);
  recovery.lookAfter(client);
  superviseCommands(client, options, telemetry);
  return client;
}

/** The connection to one server: a client's only one, or one of a cluster's. */
function prepareServer(
  redis: Redis,
  client: RedisClient,
  { credentials }: ResolvedRedisOptions,
): void {
  prepareNode(redis);
  divertWarnings(redis, warningsOf(client));
  if (credentials) keepAuthenticated(redis, credentials);
}

/** What waits for sentinels that refuse the credentials waits in vain. */
function rejectIfRefused(client: RedisClient, error: unknown): void {
  if (!(error instanceof SentinelsFailedError) || !error.refusal) return;
  (client as unknown as { flushQueue(error: Error): void }).flushQueue(error);
}
