import { startNodes } from './cluster.js';
import { startSentinels } from './sentinel.js';
import { startStandalone, startTls } from './single.js';
import type { Topology, TopologyName } from './topology.js';

const starts = {
  standalone: startStandalone,
  tls: startTls,
  sentinel: startSentinels,
  cluster: startNodes,
} satisfies Record<TopologyName, () => Promise<Topology>>;

export function startTopology(name: TopologyName): Promise<Topology> {
  return starts[name]();
}
