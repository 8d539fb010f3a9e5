import type { Answer } from './server-answers.js';

/** What one node knows of the others. */
export interface Topology {
  /** How many have failed, replicas too. */
  readonly failedNodes: number;
  /** The primaries that work, by their addresses, and by their names if they announce some. */
  readonly primaries: ReadonlySet<string>;
}

/**
 * Reads what CLUSTER NODES answers, a line for each node
 * (https://redis.io/docs/latest/commands/cluster-nodes/#serialization-format).
 *
 * @returns `undefined` if that is not what it is
 */
export function parseTopology(answer: Answer): Topology | undefined {
  if (typeof answer !== 'string') return undefined;
  let failedNodes = 0;
  const primaries = new Set<string>();
  for (const line of answer.split(/[\r\n]+/)) {
    const [, address = '', flagList] = line.split(' ');
    if (flagList === undefined) continue;
    const flags = flagList.split(',');
    if (flags.includes('fail')) failedNodes++;
    else if (flags.includes('master')) addressesIn(address).forEach((one) => primaries.add(one));
  }
  return primaries.size === 0 ? undefined : { failedNodes, primaries };
}

/** `10.0.0.1:7000@17000,redis-1.internal`, or without the name; further fields are no names. */
function addressesIn(text: string): string[] {
  const [server = '', hostname = ''] = text.split(',');
  const address = server.replace(/@.*$/, '');
  const port = address.slice(address.lastIndexOf(':'));
  return hostname === '' || hostname.includes('=') ? [address] : [address, `${hostname}${port}`];
}
