import { connectionOf } from '../../../src/connection/connection.js';
import type { RedisClient, RedisModuleOptions } from '../../../src/connection/options/options.js';
import type { Link } from '../../../src/connection/tracking/link.js';
import { Tracking } from '../../../src/connection/tracking/tracking.js';
import { waitUntil } from '../../../../../test/support/time.js';
import { openConnection, type OpenConnection } from './open-connection.js';

/** The prefixes of the keys that the tests track. */
export const PREFIXES = ['cache:app:test:', 'tag:app:test:'];

export interface Tracked extends AsyncDisposable {
  readonly connection: OpenConnection;
  readonly client: RedisClient;
  readonly tracking: Tracking;
  /** Everything that was heard, in words, in its order. */
  readonly heard: string[];
  /** The keys that were heard. */
  readonly keys: string[];
  readonly moved: Set<number>;
  /** Waits until all links are armed, or the named thing was heard. */
  armed(): Promise<void>;
  hears(word: string): Promise<void>;
  close(): Promise<void>;
}

/** Follows the changes of some keys over a connection of its own. */
export async function track(options: RedisModuleOptions, heartbeatMs = 50): Promise<Tracked> {
  return trackOver(await openConnection(options), heartbeatMs);
}

/** Follows the changes of some keys over an open connection. */
export function trackOver(connection: OpenConnection, heartbeatMs = 50): Tracked {
  const { client } = connection;
  const heard: string[] = [];
  const keys: string[] = [];
  const moved = new Set<number>();
  const nameOf = ({ node }: Link) => (node === '' ? '' : ` ${node}`);
  const listener = {
    changed: (changed: readonly string[]) => {
      keys.push(...changed);
      heard.push(...changed.map((key) => `changed ${key}`));
    },
    flushed: (link: Link) => heard.push(`flushed${nameOf(link)}`),
    lost: (link: Link) => heard.push(`lost${nameOf(link)}`),
    armed: (link: Link) => heard.push(`armed${nameOf(link)}`),
    moved: (slots: ReadonlySet<number>) => {
      for (const slot of slots) moved.add(slot);
      heard.push('moved');
    },
    redirected: () => heard.push('redirected'),
    unavailable: (link: Link, reason: string) =>
      heard.push(`unavailable${nameOf(link)}: ${reason}`),
  };
  const tracking = new Tracking(connectionOf(client), PREFIXES, listener, heartbeatMs);
  const close = async () => {
    await tracking.close();
    await connection.close();
  };
  return {
    connection,
    client,
    tracking,
    heard,
    keys,
    moved,
    armed: async () => {
      tracking.open();
      await waitUntil('the links are armed', () => tracking.state.isArmed);
    },
    hears: (word) =>
      waitUntil(`"${word}" is heard`, () => heard.some((one) => one.startsWith(word))),
    close,
    [Symbol.asyncDispose]: close,
  };
}
