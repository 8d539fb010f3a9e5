import { describe, expect, it } from '@jest/globals';
import { Registry } from 'prom-client';
import { Connections } from '../connection/connections.js';
import type { RedisClient } from '../connection/options/options.js';
import type { NearState } from '../telemetry/near-state.js';
import { Telemetry } from '../telemetry/telemetry.js';
import { RegistryMetrics } from './registry-metrics.js';

const UNUSED: NearState = {
  ...{ hits: 0, misses: 0, evictions: 0, unverified: 0, entries: 0, bytes: 0, pushes: 0 },
  isArmed: false,
  proofAgeMs: Number.POSITIVE_INFINITY,
};

/** An application with one connection, and caches with these states. */
function application(states: Record<string, () => NearState | undefined>) {
  const telemetry = new Telemetry();
  const clients = new Connections(telemetry);
  const client = { status: 'ready' } as RedisClient;
  (clients.injected as Map<string, object>).set('default', {
    client,
    pool: { inUse: 0 },
    options: { maxConnections: 1 },
  });
  for (const [name, near] of Object.entries(states)) {
    clients.use(client, {
      ...{ name, isBypassed: false, close: () => Promise.resolve() },
      get near() {
        return near();
      },
    });
  }
  return { telemetry, clients };
}

function registryOf(app: ReturnType<typeof application>) {
  const registry = new Registry();
  const end = RegistryMetrics.of(registry).add(app);
  const near = async () =>
    (await registry.metrics()).split('\n').filter((line) => /^redis_(cache_)?near_/.test(line));
  return { near, end };
}

describe('The metrics of near copies', () => {
  it('are those of each cache, and of the links of its connection', async () => {
    const posts = {
      ...{ hits: 7, misses: 3, evictions: 2, unverified: 1, entries: 4, bytes: 512, pushes: 9 },
      ...{ isArmed: true, proofAgeMs: 120 },
    };
    const users = { ...posts, hits: 1, pushes: 9 };
    const { near, end } = registryOf(
      application({ posts: () => posts, users: () => users, plain: () => undefined }),
    );
    const lines = await near();
    expect(lines).toEqual(
      expect.arrayContaining([
        'redis_cache_near_requests_total{cache="posts",result="hit"} 7',
        'redis_cache_near_requests_total{cache="posts",result="miss"} 3',
        'redis_cache_near_requests_total{cache="users",result="hit"} 1',
        'redis_cache_near_evictions_total{cache="posts"} 2',
        'redis_cache_near_unverified_total{cache="posts"} 1',
        'redis_cache_near_entries{cache="posts"} 4',
        'redis_cache_near_bytes{cache="posts"} 512',
        'redis_near_pushes_total{connection="default"} 9',
        'redis_near_armed{connection="default"} 1',
        'redis_near_proof_age_seconds{connection="default"} 0.12',
      ]),
    );
    expect(lines.join()).not.toContain('plain');
    end();
  });

  it('count on from scrape to scrape, also where a copy begins anew', async () => {
    let hits = 5;
    const { near, end } = registryOf(application({ posts: () => ({ ...UNUSED, hits }) }));
    for (const [now, total] of [
      [5, 5],
      [6, 6],
      [2, 8],
    ]) {
      hits = now ?? 0;
      for (let scrape = 0; scrape < 2; scrape++) {
        expect(await near()).toContain(
          `redis_cache_near_requests_total{cache="posts",result="hit"} ${total}`,
        );
      }
    }
    end();
  });

  it('say nothing of links that no read has needed yet, and 0 of one that is not armed', async () => {
    let state = UNUSED;
    const { near, end } = registryOf(application({ posts: () => state }));
    expect((await near()).join()).not.toMatch(/near_armed|near_proof_age/);
    state = { ...UNUSED, reason: 'There is no connection to the server.' };
    const lines = await near();
    expect(lines).toContain('redis_near_armed{connection="default"} 0');
    expect(lines.join()).not.toContain('near_proof_age');
    end();
  });
});
