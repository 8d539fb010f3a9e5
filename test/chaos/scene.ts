import type { Chance } from './chance.js';
import type { Topology } from './topologies.js';

/** Where a fault takes place. */
export interface Scene {
  readonly topology: Topology;
  readonly chance: Chance;
  /** To be called when a new client would be served again; later calls count for nothing. */
  readonly isOver: () => void;
}
