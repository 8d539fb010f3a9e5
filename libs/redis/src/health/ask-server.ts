import type { Redis } from 'ioredis';
import { isError } from '../errors/is-error.js';

/** What came of one command. */
export type Answer = string | Error;

export interface Answers {
  readonly ping: Answer;
  readonly memory: Answer;
  readonly replication: Answer;
  /** Present for a node of a cluster. */
  readonly cluster?: Answer;
}

const running = new WeakMap<Redis, Promise<Answers>>();
const runningTopology = new WeakMap<Redis, Promise<Answer>>();

/**
 * Asks a server how it is, in one round trip. Who asks while the answers of an earlier question have not
 * come is given those: on a frozen server nothing piles up, however often it is looked at. Never
 * rejects, and may take for ever.
 */
export function askServer(server: Redis, isNode: boolean): Promise<Answers> {
  return shared(running, server, async () => {
    const [ping, memory, replication, cluster] = await Promise.all([
      answerOf(() => server.ping()),
      answerOf(() => server.info('memory')), // in one INFO only since Redis 7
      answerOf(() => server.info('replication')),
      isNode ? answerOf(() => server.cluster('INFO')) : undefined,
    ]);
    return { ping, memory, replication, ...(cluster !== undefined && { cluster }) };
  });
}

/** CLUSTER NODES, likewise. It is long: one node is enough. */
export function askTopology(node: Redis): Promise<Answer> {
  return shared(runningTopology, node, () => answerOf(() => node.cluster('NODES')));
}

function shared<T>(
  flights: WeakMap<Redis, Promise<T>>,
  server: Redis,
  ask: () => Promise<T>,
): Promise<T> {
  const flight =
    flights.get(server) ??
    ask().finally(() => {
      flights.delete(server);
    });
  flights.set(server, flight);
  return flight;
}

/** What is no answer at all, from a test double perhaps, is an error as well. */
async function answerOf(command: () => Promise<unknown>): Promise<Answer> {
  try {
    const reply = await command();
    return typeof reply === 'string' ? reply : new TypeError('not a text');
  } catch (error) {
    return isError(error) ? error : new TypeError('not an error');
  }
}
