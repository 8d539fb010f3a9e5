import type { Redis } from 'ioredis';
import { printAddress } from '../../../errors/print-address.js';
import type { ConnectionReplaced } from '../../../telemetry/connection.events.js';
import type { Telemetry } from '../../../telemetry/telemetry.js';
import type { ResolvedRedisOptions } from '../../options/options.js';
import type { DrivenClient } from '../driven-client.js';
import { reconnectOnReadOnly } from './read-only-replies.js';
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

  /** Then a replica is where it should be connected to. */
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

/** Where it leads, rather than where it was told to lead: a name may have other addresses by now. */
function endpointOf({ options, stream }: Redis): string {
  const { path, host = 'localhost', port = 6379 } = options;
  if (path) return path;
  return printAddress({ host: stream.remoteAddress ?? host, port: stream.remotePort ?? port });
}
