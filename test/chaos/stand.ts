import { setTimeout as sleep } from 'node:timers/promises';

import { AppProcess } from './app-process.js';
import { until } from './ask.js';
import { audit } from './audit.js';
import { Chance } from './chance.js';
import type { Fault } from './faults.js';
import { lookAtOthers } from './isolation.js';
import { Oracle, type Findings } from './oracle.js';
import { startTopology } from './topologies/start-topology.js';
import type { Node, Topology, TopologyName } from './topologies/topology.js';
import { Traffic } from './traffic.js';

/** Two, so that one process sees what the other one has changed. */
const PROCESSES = 2;

/** How long before a fault, and after everything has been repaired, nothing happens. */
const CALM_MS = 1_000;

/** One topology with the application on it, and the oracle that watches both. */
export class Stand {
  readonly topology: Topology;
  readonly #processes: readonly AppProcess[];
  readonly #oracle = new Oracle();

  static async start(name: TopologyName): Promise<Stand> {
    const topology = await startTopology(name);
    try {
      await until('the servers agree', () => topology.isWhole());
      const starts = Array.from({ length: PROCESSES }, () => AppProcess.start(topology.env));
      return new Stand(topology, await Promise.all(starts));
    } catch (error) {
      await topology.stop();
      throw error;
    }
  }

  private constructor(topology: Topology, processes: readonly AppProcess[]) {
    this.topology = topology;
    this.#processes = processes;
  }

  /**
   * Causes a fault during traffic.
   *
   * @param id names the users of this time; no other time on this stand has the same
   */
  async suffer(fault: Fault, id: string, seed: number): Promise<Findings> {
    const { topology } = this;
    const oracle = this.#oracle;
    const apis = this.#processes.map(({ api }) => api);
    const traffic = new Traffic(oracle, apis, id, seed);
    let harmed: Node | undefined;
    oracle.beginRound();
    traffic.start();
    try {
      await sleep(CALM_MS);
      oracle.faultBegins(fault.refuses, fault.loses(topology.name), performance.now());
      await fault.run({
        topology,
        chance: new Chance(seed, id),
        harms: (primary) => {
          harmed = primary;
        },
        isOver: () => oracle.faultEnds(performance.now()),
      });
      await until('the servers agree again', () => topology.isWhole());
      await sleep(CALM_MS);
    } finally {
      await traffic.stop();
    }
    await audit(oracle, apis, traffic.users);
    if (this.#processes.some(({ isAlive }) => !isAlive)) {
      oracle.report('no process', 'a process of the API has ended');
    }
    if (harmed !== undefined && topology.name === 'cluster') {
      oracle.sawOthers(await lookAtOthers(topology, harmed, oracle.readsDuringFault()));
    }
    return oracle.findings();
  }

  async stop(): Promise<void> {
    await Promise.all(this.#processes.map((process) => process.stop()));
    await this.topology.stop();
  }
}
