import { Chance } from './chance.js';
import { faults, type FaultName } from './faults.js';
import type { Findings } from './oracle.js';
import { Stand } from './stand.js';
import type { TopologyName } from './topologies/topology.js';

export interface ChaosOptions {
  readonly seed: number;
  readonly topologies: readonly TopologyName[];
  readonly faults: readonly FaultName[];
  /** Starts another round until so much time has passed. @default one round */
  readonly forMs?: number;
  readonly onRow?: (row: ChaosRow) => void;
}

/** One fault on one topology, and what came of it. */
export interface ChaosRow extends Findings {
  readonly topology: TopologyName;
  readonly fault: FaultName;
}

/** Lets each fault happen to each topology that can have it, in an order that the seed decides. */
export async function runChaos(options: ChaosOptions): Promise<ChaosRow[]> {
  const { forMs = 0, seed, topologies } = options;
  const startedAt = performance.now();
  const rows: ChaosRow[] = [];
  let round = 0;
  do {
    round++;
    for (const topology of new Chance(seed, round).shuffle(topologies)) {
      rows.push(...(await runOn(topology, round, options)));
    }
  } while (performance.now() - startedAt < forMs);
  return rows;
}

async function runOn(
  topology: TopologyName,
  round: number,
  { faults: chosen, onRow, seed }: ChaosOptions,
): Promise<ChaosRow[]> {
  const suffered = chosen.filter((fault) => faults[fault].on.includes(topology));
  if (suffered.length === 0) return [];
  const rows: ChaosRow[] = [];
  const stand = await Stand.start(topology);
  try {
    for (const fault of new Chance(seed, round, topology).shuffle(suffered)) {
      const id = `${topology}-${fault}-${round}`;
      const row = { ...(await stand.suffer(faults[fault], id, seed)), topology, fault };
      rows.push(row);
      onRow?.(row);
    }
  } finally {
    await stand.stop();
  }
  return rows;
}
