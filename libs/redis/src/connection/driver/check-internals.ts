import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Cluster, Command, Redis, SentinelConnector } from './ioredis.cjs';
import { RedisConfigurationException } from '../../errors/redis-configuration.exception.js';
import {
  connectorOf,
  isDefinedCommand,
  type ClusterInternals,
  type CommandInternals,
  type Connector,
  type RedisInternals,
  type SentinelInternals,
} from './internals.js';

/** The versions of ioredis that have all members; the same as in the package's peer dependencies. */
export const SUPPORTED_VERSIONS = '^5.4.0 || ^6.0.0';

/** The classes that are checked. */
export interface Driver {
  readonly Redis: typeof Redis;
  readonly Cluster: typeof Cluster;
  readonly Command: typeof Command;
  readonly SentinelConnector: typeof SentinelConnector;
}

let isChecked = false;

/**
 * Checks, once in a process, that the ioredis that was loaded has every member that the library uses.
 *
 * @throws RedisConfigurationException names each member that is missing, and the version
 * @internal
 */
export function checkInternalsOnce(): void {
  if (isChecked) return;
  checkInternals({ Redis, Cluster, Command, SentinelConnector });
  isChecked = true;
}

/** Makes one object of each class, none of which connects. */
export function checkInternals(driver: Driver): void {
  const redis = new driver.Redis({ lazyConnect: true });
  const cluster = new driver.Cluster([{ host: 'localhost', port: 1 }], { lazyConnect: true });
  const sentinels = [{ host: 'localhost', port: 1 }];
  const connector = new driver.SentinelConnector({ sentinels, name: 'checked' });
  const missing = [
    ...missingIn('Redis', redis, REDIS),
    ...missingIn('Redis#connector', connectorOf(redis), CONNECTOR),
    ...missingIn('Cluster', cluster, CLUSTER),
    ...missingIn('SentinelConnector', connector, SENTINEL_CONNECTOR),
    ...missingIn('Command', new driver.Command('get', ['key']), COMMAND),
  ];
  if (missing.length === 0) missing.push(...missingInUse(redis, driver));
  if (missing.length === 0) return;
  const version = versionOf(driver.Redis);
  const accepted = `a version of ioredis with this member; supported are ${SUPPORTED_VERSIONS}`;
  throw new RedisConfigurationException(
    missing.map((member) => ({
      setting: 'ioredis',
      value: `${version} (without ${member})`,
      accepted,
    })),
  );
}

type Shape<Internals> = Readonly<Record<keyof Internals, (value: unknown) => boolean>>;

const isFunction = (value: unknown): boolean => typeof value === 'function';
const isText = (value: unknown): boolean => typeof value === 'string';
const isFlag = (value: unknown): boolean => typeof value === 'boolean';
const isList = (value: unknown): boolean => Array.isArray(value);
const hasMethods =
  (...names: readonly string[]) =>
  (value: unknown): boolean =>
    names.every((name) => isFunction((value as Partial<Record<string, unknown>> | null)?.[name]));

const CONNECTOR: Shape<Connector> = { connect: isFunction, check: isFunction };

const SENTINEL_CONNECTOR: Shape<Omit<SentinelInternals, 'stream'>> = {
  ...CONNECTOR,
  connectToSentinel: isFunction,
  resolve: isFunction,
  sentinelIterator: hasMethods('reset'),
};

const REDIS: Shape<RedisInternals> = {
  commandQueue: hasMethods('toArray', 'peekFront', 'shift'),
  connector: (value) => typeof value === 'object' && value !== null,
  flushQueue: isFunction,
  manuallyClosing: isFlag,
  reconnectTimeout: (value) => value === null,
  _readyCheck: isFunction,
  sendCommand: isFunction,
};

const CLUSTER: Shape<ClusterInternals> = {
  slots: isList,
  startupNodes: isList,
  subscriber: (value) => (value as { subscriber?: unknown } | undefined)?.subscriber === null,
  refreshSlotsCache: isFunction,
  flushQueue: isFunction,
  sendCommand: isFunction,
};

const COMMAND: Shape<Omit<CommandInternals, 'pipelineIndex'>> = {
  resolve: isFunction,
  reject: isFunction,
  promise: hasMethods('then'),
  isResolved: isFlag,
  inTransaction: isFlag,
  args: isList,
  name: isText,
  getKeys: isFunction,
  toWritable: isFunction,
  transformReply: isFunction,
};

function missingIn(
  owner: string,
  object: object | undefined,
  shape: Readonly<Record<string, (value: unknown) => boolean>>,
): string[] {
  const members = object as Partial<Record<string, unknown>> | undefined;
  return Object.entries(shape)
    .filter(([name, isThere]) => !isThere(members?.[name]))
    .map(([name]) => `${owner}#${name}`);
}

/** Checks what ioredis adds to a command that it takes. */
function missingInUse(redis: Redis, driver: Driver): string[] {
  const isPlaced = commandInPipeline(redis, driver).pipelineIndex === 0;
  const isDefined = isDefinedCommand(commandOfScript(redis));
  return [
    ...(isPlaced ? [] : ['Command#pipelineIndex']),
    ...(isDefined ? [] : ['Script.Command#toWritable']),
  ];
}

/** A command that a pipeline has taken, and has not sent. */
function commandInPipeline(redis: Redis, driver: Driver): Command {
  const command = new driver.Command('get', ['key']);
  const pipeline = redis.pipeline() as unknown as { sendCommand(command: Command): void };
  pipeline.sendCommand(command);
  return command;
}

/** The command that ioredis makes of the call of a script. It is not sent. */
function commandOfScript(redis: Redis): Command {
  let sent = new Command('none');
  redis.sendCommand = (command) => {
    sent = command;
  };
  redis.defineCommand('checked', { lua: 'return 1', numberOfKeys: 0 });
  void (redis as unknown as { checked(): unknown }).checked();
  return sent;
}

/** The version of the ioredis that made this class: read from the package in which the class was defined. */
function versionOf(Class: typeof Redis): string {
  try {
    const manifest = join(dirname(whereMade(Class)), '../package.json');
    return (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version;
  } catch {
    return 'of an unknown version'; // a bundle
  }
}

/** ioredis calls the constructor of a connector, which sees the caller's file. */
function whereMade(Class: typeof Redis): string {
  let stack = '';
  function Witness(): void {
    stack = new Error('here').stack ?? '';
  }
  new Class({ lazyConnect: true, Connector: Witness as never });
  const [, file = ''] = /(?:\(|at |file:\/\/)([^()\s]*[\\/]built[\\/]Redis\.js)/.exec(stack) ?? [];
  return file;
}
