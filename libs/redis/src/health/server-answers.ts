import type { Redis } from 'ioredis';
import type { Connection } from '../connection/connection.js';
import { ask } from '../connection/driver/primaries.js';
import { classifyError } from '../connection/driver/failures/classify-error.js';
import { countIn, parseInfo, type InfoFields } from '../connection/driver/info-fields.js';
import type { RedisClient } from '../connection/options/options.js';
import { AclRefusals } from '../connection/acl-refusals.js';
import { fullnessOf, memoryIn, type ServerMemory } from '../connection/server-memory.js';
import { OUTAGES, REFUSALS, type Check, type Reason } from './health-words.js';

/** The reply to one command, or the error with which it failed. */
export type Answer = string | Error;

/** The answers of one server. */
export interface Answers {
  readonly ping: Answer;
  readonly memory: Answer;
  readonly replication: Answer;
  /** Present for a node of a cluster. */
  readonly cluster?: Answer;
}

/**
 * Asks the servers of one connection about their health. While an answer is missing, later callers share
 * it: probes of a frozen server do not pile up. Never rejects, and takes as long as commands may.
 */
export class ServerQuestions {
  readonly #client: RedisClient;
  readonly #refused: AclRefusals;
  /** By the client, or the node of a cluster. */
  readonly #answers = new Map<RedisClient, Promise<Answers>>();
  readonly #topologies = new Map<RedisClient, Promise<Answer>>();

  constructor(connection: Connection) {
    this.#client = connection.client;
    this.#refused = connection.part(AclRefusals);
  }

  /**
   * Asks everything in one round trip. Connects the client to a node that no command has needed yet.
   *
   * @param node a node of the cluster; `undefined` for a client without a cluster
   */
  ask(node: Redis | undefined): Promise<Answers> {
    return shared(this.#answers, node ?? this.#client, async () => {
      const [ping, memory, replication, cluster] = await Promise.all([
        answerOf(ask(this.#client, { node }, 'ping', [])),
        this.#askUnlessRefused(node, 'info', 'memory'), // one INFO has both sections only since Redis 7
        this.#askUnlessRefused(node, 'info', 'replication'),
        node ? this.#askUnlessRefused(node, 'cluster', 'INFO') : undefined,
      ]);
      return { ping, memory, replication, ...(cluster !== undefined && { cluster }) };
    });
  }

  /** Asks for CLUSTER NODES, a long answer. One node is enough. */
  askTopology(node: Redis): Promise<Answer> {
    return shared(this.#topologies, node, () => this.#askUnlessRefused(node, 'cluster', 'NODES'));
  }

  /** Sends a command that an ACL may forbid to a user who may ping. */
  #askUnlessRefused(
    node: Redis | undefined,
    command: 'info' | 'cluster',
    section: string,
  ): Promise<Answer> {
    const question = `${command.toUpperCase()} ${section}`;
    // Through the client: a node by itself has no deadline and announces no commands.
    const send = () => ask(this.#client, { node }, command, [section]);
    return answerOf(this.#refused.ask(node ?? this.#client, question, send));
  }
}

function shared<T>(
  running: Map<RedisClient, Promise<T>>,
  server: RedisClient,
  begin: () => Promise<T>,
): Promise<T> {
  const known = running.get(server);
  if (known) return known;
  const answer = begin().finally(() => {
    running.delete(server);
  });
  running.set(server, answer);
  return answer;
}

async function answerOf(reply: Promise<unknown>): Promise<Answer> {
  try {
    return String(await reply);
  } catch (error) {
    return error as Error;
  }
}

/** The state of one server according to its answers. */
export interface ServerHealth {
  /** Why the server cannot be used; absent if it can, at least in part. */
  readonly problem?: string;
  readonly reasons: readonly Reason[];
  readonly notChecked: readonly Check[];
  readonly memory?: ServerMemory;
  readonly role?: 'primary' | 'replica';
  /** The number of connected replicas. */
  readonly replicas?: number;
  readonly slotsNotServed?: number;
}

export interface Expectations {
  readonly memoryThreshold: number;
  /** Whether a replica is expected: it was asked for, or the cluster redirects commands. */
  readonly replica: boolean;
}

const SLOTS = 16_384;

/** Judges a server by its answers. */
export function judgeServer(answers: Answers, expected: Expectations): ServerHealth {
  const findings = [
    judgePing(answers.ping),
    judgeMemory(answers.memory, expected),
    judgeReplication(answers.replication, expected),
    ...(answers.cluster === undefined ? [] : [judgeCluster(answers.cluster)]),
  ];
  return Object.assign({}, ...findings, {
    reasons: findings.flatMap(({ reasons = [] }) => reasons),
    notChecked: findings.flatMap(({ notChecked = [] }) => notChecked),
  } satisfies ServerHealth) as ServerHealth;
}

/** A forbidden ping counts as an answer: the server runs, and knows the user. */
function judgePing(answer: Answer): Partial<ServerHealth> {
  if (typeof answer === 'string') return {};
  const { kind, reply = '' } = classifyError(answer, true) ?? {};
  if (kind === 'permission') return {};
  if (reply === 'MISCONF') return { reasons: ['notSaving'] };
  if (kind === 'timeout') return { problem: OUTAGES.late };
  // The log has the reason, which may name hosts.
  return { problem: (REFUSALS as Readonly<Record<string, string>>)[reply] ?? OUTAGES.other };
}

function judgeMemory(answer: Answer, expected: Expectations): Partial<ServerHealth> {
  const memory = memoryIn(fieldsOf(answer));
  if (!memory) return { notChecked: ['memory'] };
  // A full server that may evict any key refuses nothing: that is normal for a cache.
  const isFull = fullnessOf(memory) >= expected.memoryThreshold && !memory.evicts;
  return { memory, ...(isFull && { reasons: ['memory'] }) };
}

function judgeReplication(answer: Answer, expected: Expectations): Partial<ServerHealth> {
  const fields = fieldsOf(answer);
  const role = fields.get('role');
  if (role === 'master') {
    const replicas = countIn(fields, 'connected_slaves');
    return { role: 'primary', ...(replicas !== undefined && { replicas }) };
  }
  if (role !== 'slave') return { notChecked: ['replication'] };
  const reasons: Reason[] = [];
  if (!expected.replica) reasons.push('replica');
  if (fields.get('master_link_status') === 'down') reasons.push('replicaAlone');
  return { role: 'replica', reasons };
}

function judgeCluster(answer: Answer): Partial<ServerHealth> {
  const fields = fieldsOf(answer);
  const state = fields.get('cluster_state');
  if (state === undefined) return { notChecked: ['cluster'] };
  const served = Math.min(countIn(fields, 'cluster_slots_ok') ?? SLOTS, SLOTS);
  return {
    slotsNotServed: SLOTS - served,
    // Such a node refuses every command about a key.
    ...(state === 'fail' && { problem: REFUSALS.CLUSTERDOWN }),
    ...(served < SLOTS && { reasons: ['slots'] }),
  };
}

function fieldsOf(answer: Answer): InfoFields {
  return parseInfo(typeof answer === 'string' ? answer : '');
}

/** The knowledge of one node about the other nodes. */
export interface Topology {
  /** The number of failed nodes, replicas included. */
  readonly failedNodes: number;
  /** The addresses of the primaries that work; with their host names, if they announce some. */
  readonly primaries: ReadonlySet<string>;
}

/**
 * Parses the answer to CLUSTER NODES, one line for each node
 * (https://redis.io/docs/latest/commands/cluster-nodes/#serialization-format).
 *
 * @returns `undefined` for any other answer
 */
export function parseTopology(answer: Answer): Topology | undefined {
  if (typeof answer !== 'string') return undefined;
  let failedNodes = 0;
  const primaries = new Set<string>();
  for (const line of answer.split(/[\r\n]+/)) {
    const [, address = '', flagList] = line.split(' ');
    if (flagList === undefined) continue;
    const flags = flagList.split(',');
    if (flags.includes('fail')) failedNodes++;
    else if (flags.includes('master')) addressesIn(address).forEach((one) => primaries.add(one));
  }
  return primaries.size === 0 ? undefined : { failedNodes, primaries };
}

/** Reads `10.0.0.1:7000@17000,redis-1.internal`. The name may be missing, or be a `key=value` field. */
function addressesIn(text: string): string[] {
  const [server = '', hostname = ''] = text.split(',');
  const address = server.replace(/@.*$/, '');
  const port = address.slice(address.lastIndexOf(':'));
  return hostname === '' || hostname.includes('=') ? [address] : [address, `${hostname}${port}`];
}
