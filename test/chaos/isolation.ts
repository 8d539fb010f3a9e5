import type { Answer, Others } from './oracle.js';
import type { Node, Topology } from './topologies/topology.js';

/**
 * A fault of one primary must affect only the users that it stores.
 *
 * @param reads of one user each, while `harmed` was in trouble
 */
export async function lookAtOthers(
  topology: Topology,
  harmed: Node,
  reads: readonly Answer[],
): Promise<Others> {
  const refused: Answer[] = [];
  let slowestMs = 0;
  for (const read of reads) {
    const tookMs = read.ended - read.began;
    const isRefused = read.status !== 200 && read.status !== 404;
    if (read.user === undefined || (tookMs < slowestMs && !isRefused)) continue;
    if (await topology.isOn(harmed, read.user)) continue;
    if (isRefused) refused.push(read);
    slowestMs = Math.max(slowestMs, tookMs);
  }
  return { refused, slowestMs };
}
