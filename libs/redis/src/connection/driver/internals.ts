/**
 * WARNING: this file lists what may break with a release of ioredis. The library uses members of ioredis
 * that its documents do not promise. Each is named here, with its use, and nothing else in the library
 * reaches for a private member of the driver. All were checked on ioredis 5.4.0, 5.11.1 and 6.0.0.
 *
 * `check-internals.ts` looks for them when the first client is made, and fails loudly. Five cannot be
 * seen before there is a connection: `Redis#stream` (the socket, which is corked), the one listener to its
 * `data` (replaced, by `commands/read-replies.ts`), `Cluster#slotsTimer` (kept from holding the process, by
 * `process-hold.ts`), the members of errors (`lastNodeError`, `previousErrors`, `command`, in `failures/`),
 * and that `messageBuffer` is emitted at once and with the list of keys of a push (`tracking-wire.ts`). Integration tests, which run on both major versions,
 * notice when these change, and when ioredis words a message in {@link DRIVER_SAYS} differently.
 */
import type { Socket } from 'node:net';
import type { Cluster, Redis, SentinelConnector } from 'ioredis';
import { Command } from './ioredis.cjs';
import type { RedisAddress, RedisClient } from '../options/options.js';

/**
 * The beginnings of messages by which errors of ioredis are recognised: plain `Error`s without a code, which
 * nothing else tells apart.
 */
export const DRIVER_SAYS = {
  /** Rejects what waits, after an `error` listener was told the reason. */
  closed: 'Connection is closed.',
  /** A command was late with which a connection is set up, or a sentinel is asked. */
  commandLate: 'Command timed out',
  /** The question for the slots of a cluster was late. */
  slotsLate: 'timeout',
  /** Also said when no sentinel was asked, because the last one that was asked was the last in the list. */
  noSentinel: 'All sentinels are unreachable',
  noStartupNode: 'None of startup nodes is available',
  tooManyRedirections: 'Too many Cluster redirections',
  pipelineOfSeveralGroups: 'All keys in the pipeline',
  pipelineOfSeveralSlots: 'All the keys in a pipeline',
  subscriberMode: 'Connection in subscriber mode',
  monitorMode: 'Connection is in monitoring mode',
} as const;

/**
 * The fields of a client or node whose sockets and timers keep the process alive: the socket, the pause
 * before the next attempt to connect, and a cluster's next look at its slots. Used while an application
 * boots. No public member leads to the timers.
 */
export const KEEPING = ['stream', 'reconnectTimeout', 'slotsTimer'] as const;

/** A socket to a server; `encrypted` is true over TLS. */
export type ServerSocket = Socket & { encrypted?: boolean };

/** Opens the sockets of one client. Private in ioredis's types, in parts. */
export interface Connector {
  /** Opens the socket of one attempt to connect. Wrapped to watch each socket from its beginning. */
  connect(...args: unknown[]): Promise<ServerSocket>;
  /** Judges a server by its INFO. Wrapped to refuse a sentinel in the place of a server. */
  /** @param info the fields of INFO; the mode has another name on Valkey than on Redis */
  check(info: { redis_mode?: string; server_mode?: string }): boolean;
}

/** The connector of a client behind sentinels. */
export interface SentinelInternals extends Connector {
  /** Makes a client of one sentinel. Wrapped to give it its TLS, and to learn why it fails. */
  connectToSentinel(sentinel: Partial<RedisAddress>, settings?: object): Redis;
  /** Asks one sentinel where the server is. Wrapped to follow failovers, and to learn why it fails. */
  resolve(sentinel: Partial<RedisAddress>): Promise<RedisAddress | null>;
  /** Goes through the sentinels. Reset after each success, or it would come to its end. */
  readonly sentinelIterator: { reset(currentFirst: boolean): void };
  /** The latest socket to a server; none before the first. Destroyed to leave a former primary. */
  readonly stream?: Redis['stream'];
}

export interface RedisInternals {
  /** Commands that were sent and wait for their replies, the oldest first. */
  readonly commandQueue: {
    toArray(): readonly { readonly command: Command }[];
    peekFront(): { readonly command: Command } | undefined;
    shift(): { readonly command: Command } | undefined;
  };
  readonly connector: Connector | SentinelInternals;
  /** Rejects all that waits. Called when sentinels refuse the credentials. */
  flushQueue(error: Error): void;
  /** Whether ioredis closes the connection on purpose. */
  readonly manuallyClosing: boolean;
  /** The pause before the next attempt to connect. Cut short by a failover. */
  reconnectTimeout: NodeJS.Timeout | null;
  /** Sends INFO when a connection is made. Wrapped to tell this INFO from those of callers. */
  _readyCheck(done: (...args: unknown[]) => void): void;
  /** Sends a command: the one place that all commands pass. Replaced by the stages. */
  sendCommand(...args: unknown[]): unknown;
}

export interface ClusterInternals {
  /** The servers of each hash slot, the primary first. */
  readonly slots: readonly (readonly string[])[];
  /** Where the next attempt to connect begins. Replaced to try the last known nodes, too. */
  startupNodes: readonly RedisAddress[];
  /** Has the connection on which a cluster client hears of published messages, which is no node. */
  readonly subscriber: { subscriber: Redis | null };
  /** Learns the slots anew. */
  refreshSlotsCache(done?: () => void): void;
  flushQueue(error: Error): void;
  sendCommand(...args: unknown[]): unknown;
}

export interface CommandInternals {
  /** Settle the command. Replaced to hide arguments, to record failures and to report the end. */
  resolve(reply: unknown): void;
  reject(error: Error): void;
  /** A new one for each attempt. */
  readonly promise: Promise<unknown>;
  readonly isResolved: boolean;
  readonly inTransaction: boolean;
  /** Its place in a pipeline. Given by {@link Redis.pipeline}. */
  readonly pipelineIndex: number;
  readonly args: readonly unknown[];
  readonly name: string;
  getKeys(): readonly (string | Buffer)[];
  /**
   * Writes the command in the protocol of Redis. Overridden for MGET of keys that are written down already,
   * and by ioredis for the scripts of `defineCommand`.
   */
  toWritable(socket: object): string | Buffer;
  /** Makes what the caller gets of a reply. Overridden for the library's own MGETs, which get it as it is. */
  transformReply(reply: Buffer | Buffer[]): unknown;
}

/** The connector of a client, or of one of a cluster's nodes. */
export function connectorOf(redis: Redis): Connector | SentinelInternals {
  return internalsOf(redis).connector;
}

/** Whether a connector asks sentinels. The application may have given one that asks none. */
export function asksSentinels(connector: object): connector is SentinelInternals {
  return 'connectToSentinel' in connector && 'resolve' in connector;
}

/** The commands that were sent over a connection and wait for their replies, the oldest first. */
export function unanswered(redis: Redis): readonly Command[] {
  return internalsOf(redis)
    .commandQueue.toArray()
    .map(({ command }) => command);
}

/** The command whose reply is the next one to come. */
export function nextToBeAnswered(redis: Redis): Command | undefined {
  return internalsOf(redis).commandQueue.peekFront()?.command;
}

/** The same, and takes it out of the queue: its reply has come. */
export function takeNextToBeAnswered(redis: Redis): Command | undefined {
  return internalsOf(redis).commandQueue.shift()?.command;
}

/**
 * Puts a reader between a connection and ioredis, which listens to the socket from the moment it is connected.
 *
 * @param reader is given ioredis's own listener, and makes the one that is called instead
 * @returns whether ioredis listens yet, and nothing else does
 */
export function takeOverBytes(
  redis: Redis,
  reader: (toDriver: (bytes: Buffer) => void) => (bytes: Buffer) => void,
): boolean {
  const stream = redis.stream as Redis['stream'] | undefined; // there is none before it connects
  const [listener, ...others] = stream?.listeners('data') ?? [];
  if (!stream || !listener || others.length > 0) return false;
  stream.removeListener('data', listener as () => void);
  // With `prependListener`, which ioredis uses, Node would queue the bytes and tell a tick later.
  stream.on('data', reader(listener as (bytes: Buffer) => void));
  return true;
}

/** Rejects all commands that wait. */
export function rejectAll(client: RedisClient, error: Error): void {
  (client as unknown as Pick<RedisInternals, 'flushQueue'>).flushQueue(error);
}

/** Whether ioredis closes the connection on purpose. */
export function isClosedOnPurpose(redis: Redis): boolean {
  return internalsOf(redis).manuallyClosing;
}

/**
 * Ends the pause between two attempts to connect. The timer is cleared because ioredis would connect a
 * client with it that has ended meanwhile.
 */
export function connectNow(redis: Redis): void {
  const internals = internalsOf(redis);
  if (internals.reconnectTimeout) clearTimeout(internals.reconnectTimeout);
  internals.reconnectTimeout = null;
  redis.connect().catch(() => undefined);
}

/** Calls back around ioredis's own check of a new connection, which sends INFO. */
export function aroundReadyCheck(redis: Redis, around: (check: () => void) => void): void {
  const internals = internalsOf(redis);
  const check = internals._readyCheck.bind(redis);
  internals._readyCheck = (done) => {
    around(() => {
      check(done);
    });
  };
}

/** Calls back with each connection that a cluster client makes to subscribe, before it connects. */
export function onSubscriber(cluster: Cluster, listener: (subscriber: Redis) => void): void {
  const { subscriber: owner } = cluster as unknown as ClusterInternals;
  const earlier = Object.getOwnPropertyDescriptor(owner, 'subscriber'); // that of an earlier listener
  let current = owner.subscriber;
  Object.defineProperty(owner, 'subscriber', {
    configurable: true,
    get: () => current,
    set: (subscriber: Redis | null) => {
      if (subscriber) listener(subscriber);
      earlier?.set?.call(owner, subscriber);
      current = subscriber;
    },
  });
}

/**
 * Whether a command runs a script of `defineCommand`: ioredis makes it of a class of its own, which writes
 * EVAL instead of EVALSHA where the server has to be told the script.
 */
export function isDefinedCommand(command: Command): boolean {
  return command.toWritable !== Command.prototype.toWritable;
}

/** The private members of ioredis's own sentinel connector, for a class that extends it. */
export function sentinelInternalsOf(connector: SentinelConnector): SentinelInternals {
  return connector as unknown as SentinelInternals;
}

function internalsOf(redis: Redis): RedisInternals {
  return redis as unknown as RedisInternals;
}
