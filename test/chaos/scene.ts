import type { Chance } from './chance.js';
import type { Node, Topology } from './topologies/topology.js';

/** Where a fault takes place. */
export interface Scene {
  readonly topology: Topology;
  readonly chance: Chance;
  /** Tells which primary is in trouble, if it is one of several. */
  readonly harms: (primary: Node) => void;
  /** To be called when a new client would be served again; later calls count for nothing. */
  readonly isOver: () => void;
}
