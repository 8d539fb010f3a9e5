import { afterEach, describe, expect, it } from '@jest/globals';
import { Counter, Registry, type RegistryContentType } from 'prom-client';
import { Connections, type InjectedConnection } from '../connection/connections.js';
import { RedisConfigurationException } from '../errors/redis-configuration.exception.js';
import type { CommandEvent } from '../telemetry/command.events.js';
import { Telemetry } from '../telemetry/telemetry.js';
import { DEFINITIONS } from './definitions.js';
import { RegistryMetrics } from './registry-metrics.js';

const names = Object.values(DEFINITIONS).map(({ name }) => name);
const registry = new Registry();
const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
  registry.clear();
});

/** An application without a Redis. The test passes its connections. */
function application(connections: Readonly<Record<string, object>> = {}) {
  const telemetry = new Telemetry();
  const clients = new Connections(telemetry);
  const open = clients.injected as Map<string, InjectedConnection>;
  for (const [name, connection] of Object.entries(connections)) {
    open.set(name, connection as InjectedConnection);
  }
  return { telemetry, clients };
}

function watch(
  { telemetry, clients }: ReturnType<typeof application>,
  where: Registry<RegistryContentType> = registry,
) {
  const end = RegistryMetrics.of(where).add({ telemetry, clients });
  ends.push(end);
  return end;
}

function command(facts: Partial<CommandEvent>): CommandEvent {
  return {
    type: 'command',
    connection: 'default',
    command: 'get',
    durationMs: 0.3,
    isBlocking: false,
    key: undefined,
    within: (work) => {
      work();
    },
    ...facts,
  };
}

const lines = async (name: string) =>
  (await registry.metrics()).split('\n').filter((line) => line.startsWith(name));

describe('RegistryMetrics', () => {
  it('counts commands by connection, command and outcome, in seconds', async () => {
    const app = application();
    watch(app);
    const error = new Error('no');
    app.telemetry.announce(command({}));
    app.telemetry.announce(command({ durationMs: 2 }));
    app.telemetry.announce(
      command({ connection: 'b', failure: { error, kind: 'out-of-memory' }, durationMs: 20_000 }),
    );
    const text = await registry.metrics();
    const labels = 'connection="default",command="get",outcome="success"';
    for (const line of [
      `redis_command_duration_seconds_bucket{le="0.00025",${labels}} 0`,
      `redis_command_duration_seconds_bucket{le="0.0005",${labels}} 1`,
      `redis_command_duration_seconds_bucket{le="0.0025",${labels}} 2`,
      `redis_command_duration_seconds_count{${labels}} 2`,
      'redis_command_duration_seconds_bucket{le="10",connection="b",command="get",outcome="error"} 0',
      'redis_command_duration_seconds_bucket{le="+Inf",connection="b",command="get",outcome="error"} 1',
      'redis_command_duration_seconds_sum{connection="b",command="get",outcome="error"} 20',
      'redis_command_errors_total{connection="b",command="get",error="out_of_memory"} 1',
    ]) {
      expect(text).toContain(`${line}\n`);
    }
  });

  it('does not measure the duration of blocking commands, but counts their failures', async () => {
    const app = application();
    watch(app);
    const failure = { error: new Error('no'), kind: 'connection' } as const;
    app.telemetry.announce(command({ command: 'blpop', isBlocking: true, durationMs: 30_000 }));
    app.telemetry.announce(command({ command: 'blpop', isBlocking: true, failure }));
    expect(await lines('redis_command_duration')).toEqual([]);
    expect(await lines('redis_command_errors')).toEqual([
      'redis_command_errors_total{connection="default",command="blpop",error="connection"} 1',
    ]);
  });

  it('counts requests, loads and waits of caches', async () => {
    const app = application();
    watch(app);
    const at = { connection: 'default', cache: 'default', key: 'k' };
    for (const result of ['hit', 'hit', 'miss', 'stale', 'negative', 'bypass'] as const) {
      app.telemetry.announce({ type: 'cache.request', ...at, result });
    }
    for (const outcome of ['filled', 'lost', 'skipped', 'failed'] as const) {
      app.telemetry.announce({ type: 'cache.load', ...at, durationMs: 40, outcome });
    }
    app.telemetry.announce({ type: 'cache.lease-wait', ...at, durationMs: 70 });
    expect(await lines('redis_cache_requests_total')).toEqual([
      'redis_cache_requests_total{cache="default",result="hit"} 2',
      'redis_cache_requests_total{cache="default",result="miss"} 1',
      'redis_cache_requests_total{cache="default",result="stale"} 1',
      'redis_cache_requests_total{cache="default",result="negative"} 1',
      'redis_cache_requests_total{cache="default",result="bypass"} 1',
    ]);
    const text = await registry.metrics();
    for (const outcome of ['filled', 'lost', 'skipped', 'failed']) {
      expect(text).toContain(
        `redis_cache_load_duration_seconds_bucket{le="0.05",cache="default",outcome="${outcome}"} 1\n`,
      );
    }
    expect(text).toContain('redis_cache_lease_wait_seconds_sum{cache="default"} 0.07\n');
  });

  it('counts invalidations that were done and that failed', async () => {
    const app = application();
    watch(app);
    const announce = (
      by: 'tag' | 'key' | 'pattern' | 'change' | 'outbox',
      count: number,
      failed: number,
    ) => {
      const facts = { connection: 'default', cache: 'default', by, count, failed, pending: 0 };
      app.telemetry.announce({ type: 'cache.invalidation', ...facts });
    };
    announce('tag', 5, 2);
    announce('key', 1, 0);
    announce('key', 1, 1);
    announce('pattern', 100, 1); // a hundred were deleted before it failed
    announce('change', 4, 1); // tags and keys
    announce('outbox', 0, 0); // delivered; counted already when the application asked for it
    announce('outbox', 3, 3); // lost at exit, after the last scrape; only the log shows it
    const labels = (by: string, outcome: string) =>
      `redis_cache_invalidations_total{cache="default",by="${by}",outcome="${outcome}"}`;
    expect(await lines('redis_cache_invalidations_total')).toEqual([
      `${labels('tag', 'success')} 3`,
      `${labels('tag', 'error')} 2`,
      `${labels('key', 'success')} 1`,
      `${labels('key', 'error')} 1`,
      `${labels('pattern', 'success')} 100`,
      `${labels('pattern', 'error')} 1`,
      `${labels('change', 'success')} 3`,
      `${labels('change', 'error')} 1`,
    ]);
  });

  it('shows the invalidations of a cache as 0 from its first request or invalidation on', async () => {
    const app = application();
    watch(app);
    const labels = (cache: string, by: string, outcome: string) =>
      `redis_cache_invalidations_total{cache="${cache}",by="${by}",outcome="${outcome}"}`;
    const zeros = (cache: string) =>
      ['tag', 'key', 'pattern', 'change'].flatMap((by) =>
        ['success', 'error'].map((outcome) => `${labels(cache, by, outcome)} 0`),
      );
    expect(await lines('redis_cache_invalidations_total')).toEqual([]);
    app.telemetry.announce({
      type: 'cache.request',
      connection: 'default',
      cache: 'read',
      key: 'k',
      result: 'miss',
    });
    expect(await lines('redis_cache_invalidations_total')).toEqual(zeros('read'));
    const done = { by: 'key', count: 1, failed: 0, pending: 0 } as const;
    app.telemetry.announce({
      type: 'cache.invalidation',
      connection: 'default',
      cache: 'written',
      ...done,
    });
    const seen = await lines('redis_cache_invalidations_total');
    expect(seen).toEqual(expect.arrayContaining(zeros('read')));
    expect(seen).toContain(`${labels('written', 'key', 'success')} 1`);
    expect(seen).toContain(`${labels('written', 'tag', 'error')} 0`);
    registry.resetMetrics();
    app.telemetry.announce({
      type: 'cache.request',
      connection: 'default',
      cache: 'read',
      key: 'k',
      result: 'hit',
    });
    expect(await lines('redis_cache_invalidations_total')).toEqual(zeros('read'));
  });

  it('reads connections and pools at each scrape', async () => {
    const client = { status: 'connecting' };
    const pool = { inUse: 3 };
    watch(application({ default: { client, pool, options: { maxConnections: 50 } } }));
    expect(await lines('redis_connection_up')).toEqual([
      'redis_connection_up{connection="default"} 0',
    ]);
    client.status = 'end';
    pool.inUse = 4;
    expect(await lines('redis_pool')).toEqual([
      'redis_pool_in_use{connection="default"} 4',
      'redis_pool_limit{connection="default"} 50',
    ]);
  });

  it('serves two applications: adds their counts, and shows 0 if one of two connections is down', async () => {
    const connection = (status: string) => ({
      client: { status },
      pool: { inUse: 1 },
      options: { maxConnections: 10 },
    });
    const [a, b] = [
      application({ default: connection('connect') }),
      application({ default: connection('ready'), b: connection('wait') }),
    ];
    const [endA, endB] = [watch(a), watch(b)];
    const failure = { error: new Error('no'), kind: 'timeout' } as const;
    a.telemetry.announce(command({ failure }));
    b.telemetry.announce(command({ failure }));
    const counted =
      'redis_command_errors_total{connection="default",command="get",error="timeout"}';
    expect(await lines('redis_command_errors_total')).toEqual([`${counted} 2`]);
    expect(await lines('redis_connection_up')).toEqual([
      'redis_connection_up{connection="default"} 0',
      'redis_connection_up{connection="b"} 0',
    ]);
    expect(await lines('redis_pool_limit{connection="default"}')).toEqual([
      'redis_pool_limit{connection="default"} 20',
    ]);
    endB();
    b.telemetry.announce(command({ failure })); // this application has ended
    expect(await lines('redis_command_errors_total')).toEqual([`${counted} 2`]); // never falls
    expect(await lines('redis_connection_up')).toEqual([
      'redis_connection_up{connection="default"} 0',
    ]);
    endA();
    expect(registry.getMetricsAsArray()).toEqual([]);
  });

  it('starts at 0 again for the first application after all others have closed', async () => {
    const first = application();
    const end = watch(first);
    first.telemetry.announce(command({}));
    end();
    watch(application());
    expect(await lines('redis_command_duration_seconds_count')).toEqual([]);
  });

  it('counts once if the module is imported twice', async () => {
    const app = application();
    const [end] = [watch(app), watch(app)];
    app.telemetry.announce(command({}));
    end();
    app.telemetry.announce(command({}));
    expect(await lines('redis_command_duration_seconds_count')).toEqual([
      expect.stringMatching(/ 2$/),
    ]);
  });

  it('keeps registries apart', async () => {
    const other = new Registry();
    const app = application();
    watch(app, other);
    app.telemetry.announce(command({}));
    expect(registry.getMetricsAsArray()).toEqual([]);
    expect(await other.metrics()).toContain('redis_command_duration_seconds_count');
  });

  it('removes only its own metrics', async () => {
    const foreign = new Counter({ name: 'users_total', help: 'h', registers: [registry] });
    const end = watch(application());
    registry.removeSingleMetric('redis_connection_up');
    const mine = new Counter({ name: 'redis_connection_up', help: 'h', registers: [registry] });
    end();
    expect(registry.getMetricsAsArray()).toEqual([foreign, mine]);
  });

  it('is registered again by the next application if the registry was cleared', async () => {
    watch(application());
    registry.clear();
    watch(application());
    expect(registry.getMetricsAsArray().map(({ name }) => name)).toEqual(names);
  });

  it('is removed from a registry for OpenMetrics, which renames counters', async () => {
    const open = new Registry<typeof Registry.OPENMETRICS_CONTENT_TYPE>();
    open.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
    const end = watch(application(), open);
    await open.metrics();
    end();
    expect(open.getMetricsAsArray()).toEqual([]);
  });

  it('refuses a registry that has another metric with one of its names, and changes nothing', () => {
    const mine = new Counter({ name: 'redis_pool_limit', help: 'h', registers: [registry] });
    const app = application();
    expect(() => watch(app)).toThrow(RedisConfigurationException);
    expect(() => watch(app)).toThrow(/redis_pool_limit/);
    expect(registry.getMetricsAsArray()).toEqual([mine]);
    expect(app.telemetry.hears('command')).toBe(false);
  });
});
