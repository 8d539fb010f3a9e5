import { ask, until } from './ask.js';
import type { Scene } from './scene.js';
import type { Node } from './topologies/topology.js';

const SLOTS = 15;

/** Time limit of a server for the other one while it moves a key. */
const MIGRATE_MS = 2_000;

/** Moves slots that hold something, a few keys at a time, as an operator does. */
export async function moveSlots({ topology, chance, isOver }: Scene): Promise<void> {
  const primaries = await topology.primaries();
  for (let n = 0; n < SLOTS; n++) {
    const [from, to] = chance.shuffle(primaries) as [Node, Node, Node];
    const key = await ask(from.server, 'RANDOMKEY');
    if (typeof key !== 'string') continue;
    const slot = String(await ask(from.server, 'CLUSTER', 'KEYSLOT', key));
    await moveSlot(slot, from, to, primaries);
  }
  isOver();
}

async function moveSlot(
  slot: string,
  from: Node,
  to: Node,
  primaries: readonly Node[],
): Promise<void> {
  const [source, target] = [await idOf(from), await idOf(to)];
  await ask(to.server, 'CLUSTER', 'SETSLOT', slot, 'IMPORTING', source);
  await ask(from.server, 'CLUSTER', 'SETSLOT', slot, 'MIGRATING', target);
  await until('the slot is empty', async () => {
    const keys = (await ask(from.server, 'CLUSTER', 'GETKEYSINSLOT', slot, '2')) as string[];
    if (keys.length === 0) return true;
    const { host, port } = to.server;
    await ask(
      from.server,
      ...['MIGRATE', host, String(port), '', '0', String(MIGRATE_MS), 'KEYS', ...keys],
    );
    return false;
  });
  const others = primaries.filter((node) => node !== from && node !== to);
  for (const { server } of [to, from, ...others]) {
    await ask(server, 'CLUSTER', 'SETSLOT', slot, 'NODE', target);
  }
}

const idOf = async ({ server }: Node): Promise<string> =>
  String(await ask(server, 'CLUSTER', 'MYID'));
