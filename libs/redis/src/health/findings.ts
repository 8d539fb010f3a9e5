import type { Check, Reason } from './health-words.js';
import type { MemoryUse, ServerHealth } from './judge-server.js';

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
  const known = servers.flatMap(({ memory }) => (memory ? [memory] : []));
  const [fullest] = known.sort((a, b) => ratioOf(b) - ratioOf(a) || b.usedBytes - a.usedBytes);
  if (!fullest) return {};
  const { usedBytes: usedMemoryBytes, maxBytes: maxMemoryBytes } = fullest;
  if (maxMemoryBytes === undefined) return { usedMemoryBytes };
  const memoryRatio = Math.round(ratioOf(fullest) * 1_000) / 1_000;
  return { usedMemoryBytes, maxMemoryBytes, memoryRatio };
}

function ratioOf({ usedBytes, maxBytes }: MemoryUse): number {
  return maxBytes === undefined ? 0 : usedBytes / maxBytes;
}
