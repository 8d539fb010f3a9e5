import type { RedisTestServer } from 'nestjs-redis-data/testing';

import type { Wire } from '../wire.js';

export const TOPOLOGIES = ['standalone', 'tls', 'sentinel', 'cluster'] as const;
export type TopologyName = (typeof TOPOLOGIES)[number];

/** A server that holds data, and the way to it. */
export interface Node {
  readonly server: RedisTestServer;
  readonly wire: Wire;
}

/** Redis as the application is told to use it. */
export interface Topology {
  readonly name: TopologyName;
  /** How the application finds it. */
  readonly env: Readonly<Record<string, string>>;
  readonly nodes: readonly Node[];
  primaries(): Promise<Node[]>;
  /** Whether this user is on this primary, or on what has taken its place. */
  isOn(primary: Node, user: string): Promise<boolean>;
  /** Starts a server that was killed again. */
  restart(node: Node): Promise<void>;
  /** Asks for a replica to take the place of this primary, in an orderly way, unless one has already. */
  failOver(primary: Node): Promise<void>;
  /** Whether all who are asked for it name another primary in the place of this one. */
  isReplaced(primary: Node): Promise<boolean>;
  /** Whether every server is there, in one role that all agree on, with replicas that have caught up. */
  isWhole(): Promise<boolean>;
  stop(): Promise<void>;
}
