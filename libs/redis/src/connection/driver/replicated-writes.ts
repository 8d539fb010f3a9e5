import { Command } from './ioredis.cjs';
import { RedisUnconfirmedException } from '../../errors/redis-unconfirmed.exception.js';
import type { RedisUnconfirmedFacts } from '../../errors/redis-unconfirmed.exception.js';
import { FollowedWrites } from './commands/followed-writes.js';
import type { DedicatedClient } from './dedicated-client.js';
import type { ServerStage } from './create-client.js';
import { classifyError } from './failures/classify-error.js';
import { ask } from './primaries.js';
import type { RedisScript } from './redis-script.js';

/** How many replicas have to have a write, and how long the primary waits for them. */
export interface ReplicaDemand {
  readonly replicas: number;
  readonly timeoutMs: number;
}

/**
 * Sends writes that count as done only when replicas have them, over a client of its own: WAIT holds up its
 * connection, and so must not be sent over one that others use.
 *
 * WAIT counts the replicas that have the latest write of its connection
 * (https://redis.io/docs/latest/commands/wait/). The write must therefore reach them in any case, also if it
 * changes nothing: since Redis 7.2 a command that changes nothing is not counted as a write.
 *
 * @internal
 */
export class ReplicatedWrites {
  readonly #connection: string;
  readonly #demand: ReplicaDemand;
  readonly #dedicated: DedicatedClient;
  readonly #confirmations = new WeakMap<Command, Promise<number>>();

  /**
   * @param connection the name of the connection
   * @param open makes the client, with this stage on the connection to each server
   */
  constructor(
    connection: string,
    demand: ReplicaDemand,
    open: (perServer: ServerStage) => DedicatedClient,
  ) {
    this.#connection = connection;
    this.#demand = demand;
    this.#dedicated = open((redis) => {
      const writes = new FollowedWrites(
        () => this.#wait({ node: 'nodes' in this.#dedicated.client ? redis : undefined }),
        (command, confirmed) => this.#confirmations.set(command, confirmed),
      );
      redis.on('close', writes.onClose);
      return writes.send;
    });
    this.#dedicated.connect();
  }

  get hasEnded(): boolean {
    return this.#dedicated.client.status === 'end';
  }

  /** Waits for what is on its way, at most until the deadline, then closes the client. Never throws. */
  close(deadlineMs: number): Promise<void> {
    return this.#dedicated.driven.close(deadlineMs);
  }

  /**
   * Waits until writes can be sent, where ioredis does not keep them until then.
   *
   * @param onLate makes the error for a connection that is not ready after `timeoutMs`
   */
  takesWrites(timeoutMs: number, onLate: () => Error): Promise<void> {
    return this.#dedicated.takesCommands(timeoutMs, onLate);
  }

  /**
   * Runs a script that writes, and waits until the replicas have what it wrote. Sends the source each time: a
   * server that did not know the script would have to be told it behind a WAIT for nothing.
   *
   * @param script must write in any case
   * @throws the driver's error
   * @throws RedisUnconfirmedException if the primary has executed it, and too few replicas have it
   */
  async run(
    { source }: RedisScript,
    keys: readonly string[],
    args: readonly (string | Buffer)[],
  ): Promise<unknown> {
    const { client } = this.#dedicated;
    const { keyPrefix } = client.options;
    const command = new Command('eval', [source, keys.length, ...keys, ...args], {
      replyEncoding: 'utf8',
      ...(keyPrefix !== undefined && { keyPrefix }),
    });
    void client.sendCommand(command);
    const reply: unknown = await command.promise;
    await this.#confirm(command);
    return reply;
  }

  async #confirm(command: Command): Promise<void> {
    const { replicas } = this.#demand;
    let confirmed: number | undefined;
    try {
      confirmed = await this.#confirmations.get(command);
    } catch (error) {
      throw this.#unconfirmed(reasonOf(error), 0, error);
    }
    if (confirmed === undefined) throw this.#unconfirmed('interrupted', 0);
    if (confirmed < replicas) throw this.#unconfirmed('late', confirmed);
  }

  #unconfirmed(reason: RedisUnconfirmedFacts['reason'], confirmed: number, cause?: unknown) {
    const options = { connection: this.#connection, ...(cause !== undefined && { cause }) };
    return new RedisUnconfirmedException({ ...this.#demand, reason, confirmed }, options);
  }

  async #wait(server: Parameters<typeof ask>[1]): Promise<number> {
    const { replicas, timeoutMs } = this.#demand;
    const args = [`${replicas}`, `${timeoutMs}`];
    return Number(await ask(this.#dedicated.client, server, 'wait', args));
  }
}

/** A primary that becomes a replica ends WAIT with UNBLOCKED, and a replica refuses it. */
const IS_NO_PRIMARY = /^UNBLOCKED |replica instances/;

function reasonOf(error: unknown): RedisUnconfirmedFacts['reason'] {
  const kind = classifyError(error, true)?.kind;
  if (kind === 'permission') return 'refused';
  if (kind === 'command' && !IS_NO_PRIMARY.test((error as Error).message)) return 'refused';
  return 'interrupted';
}
