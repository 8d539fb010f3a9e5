import { Cluster, Redis } from 'ioredis';
import type { ConnectionWarning } from '../../telemetry/connection.events.js';
import type { Telemetry } from '../../telemetry/telemetry.js';
import type { RedisClient, ResolvedRedisOptions } from '../options/options.js';
import { prepareNode } from './commands/prepare-node.js';
import { superviseCommands } from './commands/supervise-commands.js';
import { DedicatedClient } from './dedicated-client.js';
import { DrivenClient } from './driven-client.js';
import { driverOptionsOf, type DriverOptions } from './driver-options.js';
import { hideArguments } from './failures/command-failures.js';
import { openOutsideOfRequests } from './open-outside-of-requests.js';
import { nodesOf, tryLastKnownNodes } from './recovery/last-known-nodes.js';
import { Recovery } from './recovery/recovery.js';
import { divertWarnings } from './wires/driver-warnings.js';
import { followFailures } from './wires/follow-failures.js';
import { keepAuthenticated } from './wires/keep-authenticated.js';
import { SentinelsFailedError } from './wires/sentinels-failed.error.js';

/** What all clients of one connection share. */
export interface ClientContext {
  readonly options: ResolvedRedisOptions;
  /** Hears of commands, warnings and replaced connections. */
  readonly telemetry: Telemetry;
  /** Keeps the clients connected to the right server. */
  readonly recovery: Recovery;
}

export function contextOf(options: ResolvedRedisOptions, telemetry: Telemetry): ClientContext {
  return { options, telemetry, recovery: new Recovery(options, telemetry) };
}

/**
 * Makes the client of a connection. It has an error listener and does not connect yet.
 *
 * @internal
 */
export function createClient(context: ClientContext): DrivenClient {
  return prepare(open(driverOptionsOf(context.options), context.options), context);
}

/**
 * Makes a further client like the given one, for exclusive use. It does not connect yet. It speaks
 * RESP2, where a connection says whether it is in subscriber mode.
 *
 * @internal
 */
export function createDedicatedClient(
  source: RedisClient,
  context: ClientContext,
): DedicatedClient {
  const settings = { lazyConnect: true };
  const twin =
    'nodes' in source
      ? source.duplicate(nodesOf(source), settings)
      : source.duplicate({ ...settings, protocol: 2 });
  return new DedicatedClient(prepare(twin, context));
}

/** Connects to nothing yet. */
function open(driver: DriverOptions, { addresses }: ResolvedRedisOptions): RedisClient {
  const lazyConnect = true;
  if (driver.kind !== 'cluster') return new Redis({ ...driver.options, lazyConnect });
  const cluster = new Cluster([...driver.nodes], { ...driver.options, lazyConnect });
  tryLastKnownNodes(cluster, addresses);
  return cluster;
}

function prepare(client: RedisClient, context: ClientContext): DrivenClient {
  const { options, telemetry, recovery } = context;
  const driven = new DrivenClient(client);
  const warn = warningsOf(context);
  followFailures(driven, warn);
  client.on('error', (error: Error) => {
    hideArguments(error);
    rejectIfRefused(client, error);
  }); // without a listener ioredis prints to the console
  if ('nodes' in client) {
    client.on('node error', hideArguments);
    client.on('+node', (node: Redis) => {
      openOutsideOfRequests(node);
      prepareServer(node, options, warn);
    });
  } else {
    prepareServer(client, options, warn);
  }
  openOutsideOfRequests(client);
  recovery.lookAfter(driven);
  superviseCommands(driven, options, telemetry);
  return driven;
}

type Warn = (about: ConnectionWarning['about']) => void;

/** Announces that a connection is not as it was configured. */
function warningsOf({ options: { name: connection }, telemetry }: ClientContext): Warn {
  return (about) => {
    telemetry.announce({ type: 'connection.warning', connection, about });
  };
}

/** The connection to one server: a client's only one, or one of a cluster's. */
function prepareServer(redis: Redis, { credentials }: ResolvedRedisOptions, warn: Warn): void {
  prepareNode(redis);
  divertWarnings(redis, warn);
  if (credentials) keepAuthenticated(redis, credentials);
}

/** What waits for sentinels that refuse the credentials waits in vain. */
function rejectIfRefused(client: RedisClient, error: unknown): void {
  if (!(error instanceof SentinelsFailedError) || !error.refusal) return;
  (client as unknown as { flushQueue(error: Error): void }).flushQueue(error);
}
