import { RedisValidationException } from '../../errors/redis-validation.exception.js';
import type { RedisClient } from '../options/options.js';
import { ask, isGone, primariesOf, type Primary } from './primaries.js';

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
      const [next, keys] = await scan(client, primary, position, pattern, COUNT);
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
  const [next, keys] = await scan(client, primary, position, pattern, count);
  const following = primaries[at + 1];
  const cursorOf = (text: string, { name }: Primary) => (name === '' ? text : `${text}-${name}`);
  if (next !== '0') return { keys, next: cursorOf(next, primary) };
  return { keys, next: following && cursorOf('0', following) };
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

async function scan(
  client: RedisClient,
  primary: Primary,
  position: string,
  pattern: string,
  count: number,
): Promise<[next: string, keys: string[]]> {
  const args = [position, 'MATCH', pattern, 'COUNT', String(count)];
  return (await ask(client, primary, 'scan', args)) as [next: string, keys: string[]];
}
