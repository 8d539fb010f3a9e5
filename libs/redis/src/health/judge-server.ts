import { countIn, parseInfo, type InfoFields } from '../connection/driver/info-fields.js';
import { fullnessOf, memoryIn, type ServerMemory } from '../connection/server-memory.js';
import { classifyError } from '../connection/driver/failures/classify-error.js';
import type { Answer, Answers } from './server-answers.js';
import { OUTAGES, REFUSALS, type Check, type Reason } from './health-words.js';

/** What the answers of one server say. */
export interface ServerHealth {
  /** Why nothing can be done with it; absent while something can. */
  readonly problem?: string;
  readonly reasons: readonly Reason[];
  readonly notChecked: readonly Check[];
  readonly memory?: ServerMemory;
  readonly role?: 'primary' | 'replica';
  /** How many replicas follow it. */
  readonly replicas?: number;
  readonly slotsNotServed?: number;
}

export interface Expectations {
  readonly memoryThreshold: number;
  /** Whether a replica is no surprise: it was asked for, or a cluster sends commands on. */
  readonly replica: boolean;
}

const SLOTS = 16_384;

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

/** An answer that forbids the ping is one: the server is there, and knows the user. */
function judgePing(answer: Answer): Partial<ServerHealth> {
  if (typeof answer === 'string') return {};
  const { kind, reply = '' } = classifyError(answer, true) ?? {};
  if (kind === 'permission') return {};
  if (reply === 'MISCONF') return { reasons: ['notSaving'] };
  if (kind === 'timeout') return { problem: OUTAGES.late };
  // The reason is in the log; it may name hosts.
  return { problem: (REFUSALS as Readonly<Record<string, string>>)[reply] ?? OUTAGES.other };
}

function judgeMemory(answer: Answer, expected: Expectations): Partial<ServerHealth> {
  const memory = memoryIn(fieldsOf(answer));
  if (!memory) return { notChecked: ['memory'] };
  // Where any key may be evicted, full is how a cache is meant to be: nothing is refused.
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
    // It refuses every command about a key.
    ...(state === 'fail' && { problem: REFUSALS.CLUSTERDOWN }),
    ...(served < SLOTS && { reasons: ['slots'] }),
  };
}

function fieldsOf(answer: Answer): InfoFields {
  return parseInfo(typeof answer === 'string' ? answer : '');
}
