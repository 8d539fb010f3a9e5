import { fullestOf, fullnessOf } from '../connection/server-memory.js';
import type { Check, Reason } from './health-words.js';
import type { ServerHealth } from './judge-server.js';

/** What was found of a connection that can do something. */
export interface Findings {
  readonly reasons: readonly Reason[];
  readonly notChecked: readonly Check[];
  readonly facts: Readonly<Record<string, unknown>>;
}

/** A connection that can do nothing, and why. */
export interface Down {
  readonly state: 'down';
  readonly message: string;
}

export function down(message: string): Down {
  return { state: 'down', message };
}

/** The memory of the fullest of the servers, as it stands in the report. */
export function memoryFacts(servers: readonly ServerHealth[]): Readonly<Record<string, number>> {
  const fullest = fullestOf(servers.flatMap(({ memory }) => (memory ? [memory] : [])));
  if (!fullest) return {};
  const { usedBytes: usedMemoryBytes, limitBytes: maxMemoryBytes } = fullest;
  if (maxMemoryBytes === undefined) return { usedMemoryBytes };
  const memoryRatio = Math.round(fullnessOf(fullest) * 1_000) / 1_000;
  return { usedMemoryBytes, maxMemoryBytes, memoryRatio };
}
