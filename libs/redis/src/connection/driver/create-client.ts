/**
 * @module connection/driver The only place that knows ioredis. `create-client.ts` makes a client and puts
 * it together: `commands/` is what happens to each command, `replies/` how some replies are read, `wires/` how a
 * connection is opened, `recovery/` what replaces connections that lead nowhere or to the wrong server,
 * `failures/` what an error means. `internals.ts` lists what is used of ioredis without a promise.
 */
import { Cluster, Redis } from './ioredis.cjs';
import type { ConnectionWarning } from '../../telemetry/connection.events.js';
import type { Telemetry } from '../../telemetry/telemetry.js';
import type { RedisClient, ResolvedRedisOptions } from '../options/options.js';
import { checkInternalsOnce } from './check-internals.js';
import { settleInstrumented } from './commands/instrumentation.js';
import { sendThrough, type Stage } from './commands/stages.js';
import { superviseCommands } from './commands/supervise-commands.js';
import { skipAbandoned, writeTogether } from './commands/write-commands.js';
import { DedicatedClient } from './dedicated-client.js';
import { DrivenClient } from './driven-client.js';
import { driverOptionsOf, type DriverOptions } from './driver-options.js';
import { hideArguments } from './failures/command-failures.js';
import { rejectAll } from './internals.js';
import { outsideOfRequests } from './outside-of-requests.js';
import { nodesOf, tryLastKnownNodes } from './recovery/last-known-nodes.js';
import { Recovery } from './recovery/recovery.js';
import { readReplies } from './commands/read-replies.js';
import { tolerateFailures } from './wires/driver-warnings.js';
import { followFailures } from './wires/follow-failures.js';
import { keepAuthenticated } from './wires/keep-authenticated.js';
import { SentinelsFailedError } from './wires/connectors.js';

/** Options and listeners that all clients of one connection share. */
export interface ClientContext {
  readonly options: ResolvedRedisOptions;
  /** Hears of commands, warnings and replaced connections. */
  readonly telemetry: Telemetry;
  /** Keeps the clients connected to the right server. */
  readonly recovery: Recovery;
}

/** Makes the first of the stages of the connection to one server. */
export type ServerStage = (redis: Redis) => Stage;

export function contextOf(options: ResolvedRedisOptions, telemetry: Telemetry): ClientContext {
  return { options, telemetry, recovery: new Recovery(options, telemetry) };
}

/**
 * Makes the client of a connection. It has an error listener and does not connect yet.
 *
 * @throws RedisConfigurationException if ioredis has another shape than the library was made for
 * @internal
 */
export function createClient(context: ClientContext): DrivenClient {
  checkInternalsOnce();
  const { options } = context;
  return prepare(new DrivenClient(open(driverOptionsOf(options), options)), context);
}

/**
 * Makes a further client like the given one, for exclusive use. It does not connect yet. It speaks
 * RESP2, where a connection says whether it is in subscriber mode.
 *
 * @param perServer makes a further stage of the connection to each server, before the others
 * @internal
 */
export function createDedicatedClient(
  source: RedisClient,
  context: ClientContext,
  perServer?: ServerStage,
): DedicatedClient {
  const settings = { lazyConnect: true };
  const twin =
    'nodes' in source
      ? source.duplicate(nodesOf(source), settings)
      : source.duplicate({ ...settings, protocol: 2 });
  const dedicated = new DedicatedClient(new DrivenClient(twin));
  prepare(dedicated.driven, context, { outer: [dedicated.watchSession], perServer });
  return dedicated;
}

/** Connects to nothing yet. */
function open(driver: DriverOptions, { addresses }: ResolvedRedisOptions): RedisClient {
  const lazyConnect = true;
  if (driver.kind !== 'cluster') return new Redis({ ...driver.options, lazyConnect });
  const cluster = new Cluster([...driver.nodes], { ...driver.options, lazyConnect });
  tryLastKnownNodes(cluster, addresses);
  return cluster;
}

/**
 * Puts the parts of the driver on a client, before it connects. A command passes the stages of the client
 * in this order, and then those of {@link stagesOfServer}:
 *
 * 1. `outer`, which see the command and its promise as the caller does: the session watch of a dedicated
 *    client. While an application boots, `ProcessHold` puts itself around this one, too.
 * 2. The supervision: the deadline counts from the call, before anything that may wait.
 * 3. `perServer`, which may hold a command back, and add others: the WAIT after a write.
 *
 * `followFailures` comes before the recovery: both wrap `resolve` of a sentinel connector, and the recovery
 * decides last where the client connects to.
 */
function prepare(
  driven: DrivenClient,
  context: ClientContext,
  { outer = [], perServer }: FurtherStages = {},
): DrivenClient {
  const { client } = driven;
  const { options, telemetry, recovery } = context;
  const warn = warningsOf(context);
  followFailures(driven, warn);
  client.on('error', (error: Error) => {
    hideArguments(error);
    rejectIfRefused(client, error);
  }); // without a listener ioredis prints to the console
  openOutsideOfRequests(client);
  recovery.lookAfter(driven);
  const stages = [...outer, superviseCommands(driven, options, telemetry)];
  const ofServer = (redis: Redis) => [
    ...(perServer ? [perServer(redis)] : []),
    ...stagesOfServer(redis, options, warn),
  ];
  if ('nodes' in client) {
    sendThrough(client, stages);
    client.on('node error', hideArguments);
    client.on('+node', (node: Redis) => {
      openOutsideOfRequests(node);
      sendThrough(node, ofServer(node));
    });
  } else {
    sendThrough(client, [...stages, ...ofServer(client)]);
  }
  return driven;
}

/** The stages that only some clients have. */
interface FurtherStages {
  readonly outer?: readonly Stage[];
  readonly perServer?: ServerStage | undefined;
}

/**
 * Lists the stages of the connection to one server. They follow the stages of the client; in a cluster,
 * once the command's node is known. In this order:
 *
 * 1. AUTH is renewed around callers' commands, and sent through the stages that follow.
 * 2. A failure that ioredis can go on after is turned into a reply, before an instrumentation records it.
 * 3. What was rejected while it waited goes no further.
 * 4. The replies of a new connection are read here, where they are those of the library's own MGETs.
 * 5. The socket is corked, and watched for its end.
 * 6. ioredis sends, and an instrumentation wraps the command: last, so that it sees what is really sent.
 */
function stagesOfServer(
  redis: Redis,
  { credentials }: ResolvedRedisOptions,
  warn: Warn,
): readonly Stage[] {
  return [
    ...(credentials ? [keepAuthenticated(redis, credentials)] : []),
    tolerateFailures(redis, warn),
    skipAbandoned(),
    readReplies(redis),
    writeTogether(redis),
    settleInstrumented,
  ];
}

type Warn = (about: ConnectionWarning['about']) => void;

/** Announces that a connection is not as it was configured. */
function warningsOf({ options: { name: connection }, telemetry }: ClientContext): Warn {
  return (about) => {
    telemetry.announce({ type: 'connection.warning', connection, about });
  };
}

/** Rejects what waits for sentinels that refuse the credentials: waiting cannot help. */
function rejectIfRefused(client: RedisClient, error: unknown): void {
  if (error instanceof SentinelsFailedError && error.refusal) rejectAll(client, error);
}

/**
 * Makes a connection open outside of the async context of the request whose command opens it, as the first
 * command for a cluster's node or a pooled client does: the connection outlives the request.
 */
function openOutsideOfRequests(client: RedisClient): void {
  const connect = client.connect.bind(client) as (...args: unknown[]) => Promise<void>;
  client.connect = (...args: unknown[]) => outsideOfRequests(() => connect(...args));
}
