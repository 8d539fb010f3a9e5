import { nodeOf } from '../hash-slots.js';
import type { RedisClient } from '../../options/options.js';
import { classifyError, TOO_MANY_REDIRECTIONS } from './classify-error.js';
import { hideArguments } from './command-failures.js';
import { explainFailure, type ConnectionFailure } from './explain-failure.js';

/**
 * The last failure of each server that a client has tried to reach and has not reached since. A failure
 * is forgotten when its server is ready.
 *
 * @internal
 */
export class ConnectionFailures {
  readonly #client: RedisClient;
  readonly #byServer = new Map<string, ConnectionFailure>();

  constructor(client: RedisClient) {
    this.#client = client;
  }

  note(server: string, failure: ConnectionFailure): void {
    hideArguments(failure.error);
    this.#byServer.delete(server); // the latest comes last
    this.#byServer.set(server, failure);
  }

  forget(server: string): void {
    this.#byServer.delete(server);
  }

  forgetHop(hop: ConnectionFailure['hop']): void {
    for (const [server, failure] of this.#byServer) {
      if (failure.hop === hop) this.#byServer.delete(server);
    }
  }

  forgetAllBut(servers: ReadonlySet<string>): void {
    for (const server of this.#byServer.keys()) {
      if (!servers.has(server)) this.#byServer.delete(server);
    }
  }

  of(server: string): ConnectionFailure | undefined {
    return this.#byServer.get(server);
  }

  has(hop: ConnectionFailure['hop']): boolean {
    return [...this.#byServer.values()].some((failure) => failure.hop === hop);
  }

  /** The one that tells most: one that waiting cannot mend, else the latest. */
  get worst(): ConnectionFailure | undefined {
    const all = [...this.#byServer.values()].reverse();
    return all.find((failure) => explainFailure(failure).isPermanent) ?? all[0];
  }

  /** Whether waiting would not help: no server that was tried may answer differently next time. */
  get arePermanent(): boolean {
    const all = [...this.#byServer.values()];
    return all.length > 0 && all.every((failure) => explainFailure(failure).isPermanent);
  }

  /**
   * Why there was no connection for a command that was rejected with this error; `undefined` if it failed
   * for another reason, or if nothing is known.
   */
  behind(error: unknown, key?: string): ConnectionFailure | undefined {
    const { kind, reply } = classifyError(error, true) ?? {};
    switch (kind) {
      case 'connection':
        return this.behindSilence(key) ?? this.worst;
      case 'timeout':
        return this.behindSilence(key);
      case 'unavailable':
        return reply === TOO_MANY_REDIRECTIONS ? this.behindSilence(key) : undefined;
      default:
        return undefined;
    }
  }

  /**
   * Why something got no answer in time: the connection, in a cluster that to the key's server, is not
   * there. `undefined` while it is: the failures of other nodes are not to blame.
   */
  behindSilence(key?: string): ConnectionFailure | undefined {
    if (!('nodes' in this.#client) || this.#client.status !== 'ready') return this.worst;
    return key === undefined ? undefined : this.of(nodeOf(this.#client, key));
  }
}
