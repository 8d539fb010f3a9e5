import type { Redis } from 'ioredis';
import { printAddress } from '../../../errors/print-address.js';
import type { ConnectionReplaced } from '../../../telemetry/connection.events.js';
import type { Telemetry } from '../../../telemetry/telemetry.js';
import { plusJitter } from '../../../time/jitter.js';
import type { ResolvedRedisOptions } from '../../options/options.js';
import type { DrivenClient } from '../driven-client.js';
import { addressOf } from '../primaries.js';
import { SentinelFollower } from './sentinel-follower.js';
import { SilenceWatch } from './silence-watch.js';

/**
 * Replaces connections that are open and lead nowhere, or to the wrong server, for all clients of one
 * connection: the shared one and the dedicated ones.
 *
 * @internal
 */
export class Recovery {
  readonly #options: ResolvedRedisOptions;
  readonly #telemetry: Telemetry;
  readonly #follower: SentinelFollower | undefined;

  constructor(options: ResolvedRedisOptions, telemetry: Telemetry) {
    this.#options = options;
    this.#telemetry = telemetry;
    if (options.topology === 'sentinel' && !this.#readsFromReplicas) {
      this.#follower = new SentinelFollower(options, telemetry);
    }
  }

  /** Before the client connects for the first time. */
  lookAfter(driven: DrivenClient): void {
    const { client } = driven;
    const prepareNode = this.#readsFromReplicas
      ? () => undefined
      : reconnectOnReadOnly(this.#options.ioredis.reconnectOnError, (node) => {
          this.#announce(node, 'read-only');
        });
    if ('nodes' in client) {
      client.on('+node', prepareNode);
    } else {
      prepareNode(client);
      this.#follower?.follow(client);
    }
    new SilenceWatch(driven, this.#options, (node) => {
      this.#announce(node, 'silent');
      node.stream.destroy();
    }).start();
  }

  /** Whether the application wants replicas, which are the right servers then. */
  get #readsFromReplicas(): boolean {
    return this.#options.ioredis.role === 'slave';
  }

  #announce(node: Redis, reason: ConnectionReplaced['reason']): void {
    this.#telemetry.announce({
      type: 'connection.replaced',
      connection: this.#options.name,
      endpoint: endpointOf(node),
      reason,
    });
  }
}

/** The address of the socket rather than the configured one: a name may have other addresses by now. */
function endpointOf({ options, stream }: Redis): string {
  const { path, host = 'localhost', port = 6379 } = options;
  if (path) return path;
  return printAddress({ host: stream.remoteAddress ?? host, port: stream.remotePort ?? port });
}

/** A server that keeps saying that it is a replica gets at most one new connection in this time. */
const PAUSE_MS = 500;

/** The replies that only a replica gives. Scripts of Redis 6 quote them. */
const SAID_BY_A_REPLICA = /(^|-)(READONLY|MASTERDOWN) /;

type ReconnectOnError = NonNullable<Redis['options']['reconnectOnError']>;

/**
 * Renews the connection to a server that says that it is a replica: the address (a proxy, a name) may lead
 * to another server by now. The refused command is not repeated.
 *
 * @param given what the user wants to reconnect for
 * @returns prepares the connection to one server
 */
function reconnectOnReadOnly(
  given: ReconnectOnError | null | undefined,
  announce: (node: Redis) => void,
): (node: Redis) => void {
  const quietUntil = new Map<string, number>(); // by address: a cluster has a new node for the next connection
  return (node) => {
    const address = addressOf(node);
    node.options.reconnectOnError = (error) => {
      const verdict = given?.(error) ?? false;
      if (verdict !== false || !SAID_BY_A_REPLICA.test(error.message)) return verdict;
      const now = performance.now();
      if (now < (quietUntil.get(address) ?? 0)) return false;
      quietUntil.set(address, now + plusJitter(PAUSE_MS));
      announce(node);
      return true;
    };
  };
}
