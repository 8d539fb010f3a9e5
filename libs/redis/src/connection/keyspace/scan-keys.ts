import { createHash } from 'node:crypto';
import { Command, type Cluster, type Redis } from 'ioredis';
import { RedisConnectionException } from '../../errors/redis-connection.exception.js';
import { RedisValidationException } from '../../errors/redis-validation.exception.js';
import type { RedisClient } from '../options/options.js';

/** How many keys a SCAN looks at: enough to be worth the round trip, too few to be felt by others. */
const COUNT = 500;

/** Redis keeps positions in 64 bits, and takes larger ones for a syntax error. */
const LAST_POSITION = 2n ** 64n - 1n;

/** Some keys, and where to go on; `undefined` at the end. */
export interface ScannedPage {
  readonly keys: readonly string[];
  readonly next: string | undefined;
}

/**
 * The keys that match a pattern, page by page, on every primary in turn. The next page is asked for
 * when the consumer wants it; one round trip each.
 *
 * A key that is there all the time comes at least once, one that comes or goes meanwhile may be
 * missing, and any may come twice (https://redis.io/docs/latest/commands/scan/#scan-guarantees).
 *
 * @throws RedisConnectionException if a primary of a cluster is gone
 * @throws the driver's error
 * @internal
 */
export async function* scanKeys(
  client: RedisClient,
  pattern: string,
): AsyncGenerator<readonly string[]> {
  for (const { name, address } of await primariesOf(client)) {
    let position = '0';
    do {
      // Looked up again: a connection that was lost meanwhile has been replaced by another one.
      const primary = (await primariesOf(client)).find((primary) => primary.name === name);
      if (!primary) throw isGone(address);
      const [next, keys] = await scan(client, primary.node, position, pattern, COUNT);
      if (keys.length > 0) yield keys;
      position = next;
    } while (position !== '0');
  }
}

/**
 * One SCAN, which may well find nothing. After the last page of one primary of a cluster comes the
 * first one of the next. One round trip.
 *
 * @param options.count how many keys to look at
 * @param options.cursor where to go on, from an earlier page
 * @throws RedisValidationException if the cursor leads nowhere
 * @throws RedisConnectionException if a primary of a cluster is gone
 * @throws the driver's error
 * @internal
 */
export async function scanPage(
  client: RedisClient,
  pattern: string,
  { count, cursor }: { readonly count: number; readonly cursor?: string | undefined },
): Promise<ScannedPage> {
  const primaries = await primariesOf(client);
  const [position, name] = cursor === undefined ? ['0', primaries[0]?.name] : parse(cursor);
  const at = primaries.findIndex((primary) => primary.name === name);
  const primary = primaries[at];
  if (!primary) throw leadsNowhere('it is from another server, or one that is gone');
  const [next, keys] = await scan(client, primary.node, position, pattern, count);
  const following = primaries[at + 1];
  const cursorOf = (text: string, { name }: Primary) => (name === '' ? text : `${text}-${name}`);
  if (next !== '0') return { keys, next: cursorOf(next, primary) };
  return { keys, next: following && cursorOf('0', following) };
}

/** A server that is scanned; one that is not in a cluster has no name. */
interface Primary {
  readonly name: string;
  readonly address: string;
  readonly node: Redis | undefined;
}

/**
 * In an order that stays the same while the cluster does.
 *
 * @throws RedisConnectionException if one is gone, and none has taken its place yet
 */
async function primariesOf(client: RedisClient): Promise<Primary[]> {
  if (!('nodes' in client)) return [{ name: '', address: '', node: undefined }];
  if (client.status !== 'ready') await client.ping(); // the nodes are not known before
  // ioredis forgets a node as soon as its connection is lost, and learns who has taken its place when
  // a command for one of its keys fails. Without it a third of all keys would just be missing.
  if (goneOwner(client) !== undefined) await refreshSlots(client);
  const gone = goneOwner(client);
  if (gone !== undefined) throw isGone(gone);
  const primaries = client.nodes('master').map((node) => {
    const address = addressOf(node);
    return { name: nameOf(address), address, node };
  });
  return primaries.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The address of a server that has slots, and no connection. */
function goneOwner(cluster: Cluster): string | undefined {
  const connected = new Set(cluster.nodes('master').map(addressOf));
  let latest: string | undefined; // slots come in long rows of one owner
  for (const [owner] of cluster.slots) {
    if (owner === undefined || owner === latest) continue;
    if (!connected.has(owner)) return owner;
    latest = owner;
  }
  return undefined;
}

/** Does not reject: who is still gone afterwards is looked at then. */
function refreshSlots(cluster: Cluster): Promise<void> {
  return new Promise((resolve) => {
    cluster.refreshSlotsCache(() => {
      resolve();
    });
  });
}

function isGone(address: string): RedisConnectionException {
  const colon = address.lastIndexOf(':');
  return new RedisConnectionException({
    host: address.slice(0, colon),
    port: Number(address.slice(colon + 1)),
    originalError: new Error('the connection was lost'),
  });
}

function addressOf({ options: { host, port } }: Redis): string {
  return `${host}:${port}`;
}

/** Short, and not the address itself: cursors may be shown to clients. Who knows the network can guess it. */
function nameOf(address: string): string {
  return createHash('sha256').update(address).digest('hex').slice(0, 16);
}

function parse(cursor: string): [position: string, name: string] {
  const [, position, name = ''] = /^(\d{1,20})(?:-([0-9a-f]{16}))?$/.exec(cursor) ?? [];
  if (position === undefined || BigInt(position) > LAST_POSITION) {
    throw leadsNowhere('it is not one that a page has given');
  }
  return [position, name];
}

function leadsNowhere(reason: string): RedisValidationException {
  const messages = [`must come from the page before (${reason}); start over without one`];
  return new RedisValidationException('The position', [{ property: 'cursor', messages }]);
}

/** Through the client's own `sendCommand`, also to one node of a cluster: that is where deadlines are. */
function scan(
  client: RedisClient,
  node: Redis | undefined,
  position: string,
  pattern: string,
  count: number,
): Promise<[next: string, keys: string[]]> {
  const args = [position, 'MATCH', pattern, 'COUNT', String(count)];
  const command = new Command('scan', args, { replyEncoding: 'utf8' });
  const send = client.sendCommand.bind(client) as (
    command: Command,
    pipeline: undefined,
    node: { redis: Redis } | undefined,
  ) => unknown;
  send(command, undefined, node && { redis: node });
  return command.promise as Promise<[next: string, keys: string[]]>;
}
