import { setImmediate } from 'node:timers/promises';

/** How many are looked at without a pause: about a millisecond's work. */
const SLICE = 2_000;

/**
 * Looks at each, and lets the event loop turn in between when they are many. Give it a copy of what
 * the caller may change meanwhile.
 *
 * @internal
 */
export async function inSlices<Item>(
  items: readonly Item[],
  visit: (item: Item, i: number) => void,
): Promise<void> {
  for (let from = 0; from < items.length; from += SLICE) {
    if (from > 0) await setImmediate();
    const end = Math.min(from + SLICE, items.length);
    for (let i = from; i < end; i++) visit(items[i] as Item, i);
  }
}
