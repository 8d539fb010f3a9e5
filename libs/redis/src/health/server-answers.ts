import type { Redis } from 'ioredis';
import { ask } from '../connection/driver/primaries.js';
import type { RedisClient } from '../connection/options/options.js';
import { connectionOf } from '../connection/connection.js';
import { RefusedQuestions } from '../connection/refused-questions.js';
import { isError } from '../errors/is-error.js';

/** Who is asked: the server of a client, or a node of its cluster. */
export interface Asked {
  readonly client: RedisClient;
  readonly node?: Redis;
}

/** What came of one command. */
export type Answer = string | Error;

export interface Answers {
  readonly ping: Answer;
  readonly memory: Answer;
  readonly replication: Answer;
  /** Present for a node of a cluster. */
  readonly cluster?: Answer;
}

const running = new WeakMap<RedisClient, Promise<Answers>>();
const runningTopology = new WeakMap<RedisClient, Promise<Answer>>();

/**
 * Asks a server how it is, in one round trip; a node that its cluster client has not needed yet is
 * connected for it. Who asks while the answers of an earlier question have not come is given those: on a
 * frozen server nothing piles up, however often it is looked at. Never rejects, and takes as long as
 * commands may.
 */
export function askServer(asked: Asked): Promise<Answers> {
  return shared(running, asked, async () => {
    const [ping, memory, replication, cluster] = await Promise.all([
      answerOf(() => send(asked, 'ping')),
      answerTo(asked, 'info', 'memory'), // in one INFO only since Redis 7
      answerTo(asked, 'info', 'replication'),
      asked.node ? answerTo(asked, 'cluster', 'INFO') : undefined,
    ]);
    return { ping, memory, replication, ...(cluster !== undefined && { cluster }) };
  });
}

/** CLUSTER NODES, likewise. It is long: one node is enough. */
export function askTopology(asked: Asked): Promise<Answer> {
  return shared(runningTopology, asked, () => answerTo(asked, 'cluster', 'NODES'));
}

function shared<T>(
  flights: WeakMap<RedisClient, Promise<T>>,
  { client, node }: Asked,
  begin: () => Promise<T>,
): Promise<T> {
  const server = node ?? client;
  const flight =
    flights.get(server) ??
    begin().finally(() => {
      flights.delete(server);
    });
  flights.set(server, flight);
  return flight;
}

/** What an ACL may forbid although the user may ping. */
function answerTo(asked: Asked, command: 'info' | 'cluster', section: string): Promise<Answer> {
  const { client, node = client } = asked;
  const question = `${command.toUpperCase()} ${section}`;
  const refused = connectionOf(client).part(RefusedQuestions);
  return answerOf(() => refused.ask(node, question, () => send(asked, command, section)));
}

/**
 * Through the client, as the application's own commands: a node by itself has no deadline, and nobody
 * hears of what it is asked. Plain methods where they will do, for test doubles that have nothing else.
 */
function send(
  { client, node }: Asked,
  command: 'ping' | 'info' | 'cluster',
  ...args: string[]
): Promise<unknown> {
  if (node) return ask(client, { node }, command, args);
  return (client[command] as (...args: string[]) => Promise<unknown>)(...args);
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
