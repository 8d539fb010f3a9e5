import calculateSlot from 'cluster-key-slot';
import type { RedisClient } from '../options/options.js';

/**
 * The keys that one command may name together: all of them, or in a cluster those of one hash slot
 * (https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#key-distribution-model).
 * Keeps the order within each group.
 *
 * @internal
 */
export function groupBySlot(client: RedisClient, keys: readonly string[]): string[][] {
  if (!isCluster(client)) return keys.length === 0 ? [] : [[...keys]];
  const groups = new Map<number, string[]>();
  for (const key of keys) {
    const slot = calculateSlot(key);
    const group = groups.get(slot);
    if (group) group.push(key);
    else groups.set(slot, [key]);
  }
  return [...groups.values()];
}

/**
 * Whether commands go to several servers, each of which knows a part of the keys.
 *
 * @internal
 */
export function isCluster(client: RedisClient): boolean {
  return 'nodes' in client;
}

/**
 * The server that a key is on: in a cluster the address of its slot's primary, else ''.
 *
 * @internal
 */
export function nodeOf(client: RedisClient, key: string): string {
  return isCluster(client) ? nodeAt(client, slotOf(key)) : '';
}

/**
 * The server that a hash slot is on.
 *
 * @internal
 */
export function nodeAt(client: RedisClient, slot: number): string {
  return ('nodes' in client && client.slots[slot]?.[0]) || '';
}

/**
 * The hash slot of a key.
 *
 * @internal
 */
export function slotOf(key: string): number {
  return calculateSlot(key);
}
