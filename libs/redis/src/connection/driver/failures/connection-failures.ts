import { nodeOf } from '../hash-slots.js';
import type { RedisClient } from '../../options/options.js';
import { classifyError, TOO_MANY_REDIRECTIONS } from './classify-error.js';
import { hideArguments } from './command-failures.js';
import { explainFailure, type ConnectionFailure } from './explain-failure.js';

/**
 * Remembers why a client has no connection: the last failure of each server that it has tried to reach
 * and has not reached since. A failure is forgotten when its server is ready.
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

  /** The failure that says most: one for which waiting does not help, or else the latest. */
  get worst(): ConnectionFailure | undefined {
    const all = [...this.#byServer.values()].reverse();
    return all.find((failure) => explainFailure(failure).isPermanent) ?? all[0];
  }

  /** Whether waiting does not help, because each server that was tried has failed permanently. */
  get arePermanent(): boolean {
    const all = [...this.#byServer.values()];
    return all.length > 0 && all.every((failure) => explainFailure(failure).isPermanent);
  }

  /**
   * Why a command that was rejected with this error had no connection; `undefined` if it failed for
   * another reason, or if nothing is known.
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
   * Why a command got no answer in time: there is no connection, in a cluster none to the server of the
   * key. `undefined` while there is one: the failures of other nodes do not explain it.
   */
  behindSilence(key?: string): ConnectionFailure | undefined {
    if (!('nodes' in this.#client) || this.#client.status !== 'ready') return this.worst;
    return key === undefined ? undefined : this.of(nodeOf(this.#client, key));
  }
}
