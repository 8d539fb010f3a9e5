import { createHash } from 'node:crypto';
import type { Cluster, Redis } from 'ioredis';
import { Command } from './ioredis.cjs';
import { RedisConnectionException } from '../../errors/redis-connection.exception.js';
import type { RedisAddress, RedisClient } from '../options/options.js';

/** A server that has keys; one that is not in a cluster has no name. */
export interface Primary {
  readonly name: string;
  readonly address: string;
  readonly node: Redis | undefined;
}

/**
 * Lists the servers that have keys, in an order that stays the same while the cluster does.
 *
 * @throws RedisConnectionException if one is gone, and none has taken its place yet
 * @internal
 */
export async function primariesOf(client: RedisClient): Promise<Primary[]> {
  if (!('nodes' in client)) return [{ name: '', address: '', node: undefined }];
  if (client.status !== 'ready') await client.ping(); // the nodes are not known before
  // ioredis forgets a node as soon as its connection is lost, and learns which node has taken its place when
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

/**
 * Sends a command to one of them. Through the client's own `sendCommand`: that is where deadlines are.
 *
 * @throws the driver's error
 * @internal
 */
export async function ask(
  client: RedisClient,
  { node }: Pick<Primary, 'node'>,
  name: string,
  args: string[],
): Promise<unknown> {
  const command = new Command(name, args, { replyEncoding: 'utf8' });
  const send = client.sendCommand.bind(client) as (
    command: Command,
    pipeline: undefined,
    node: { redis: Redis } | undefined,
  ) => unknown;
  send(command, undefined, node && { redis: node });
  return command.promise;
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

/** Does not reject: the caller looks afterwards which servers are still gone. */
function refreshSlots(cluster: Cluster): Promise<void> {
  return new Promise((resolve) => {
    cluster.refreshSlotsCache(() => {
      resolve();
    });
  });
}

/** @internal */
export function isGone(address: string): RedisConnectionException {
  return new RedisConnectionException({
    ...splitAddress(address),
    originalError: new Error('the connection was lost'),
  });
}

/** The address of a node, as the cluster's slots spell it. */
export function addressOf({ options: { host, port } }: Redis): string {
  return `${host}:${port}`;
}

/** The host and port of an address. @internal */
export function splitAddress(address: string): RedisAddress {
  const colon = address.lastIndexOf(':');
  return { host: address.slice(0, colon), port: Number(address.slice(colon + 1)) };
}

/** A short name instead of the address, because cursors may be shown to clients. It can be guessed from inside the network. */
function nameOf(address: string): string {
  return createHash('sha256').update(address).digest('hex').slice(0, 16);
}
