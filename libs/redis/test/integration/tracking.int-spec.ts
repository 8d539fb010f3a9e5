import { AsyncLocalStorage } from 'node:async_hooks';
import { setImmediate } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { startRedis, type RedisTestServer } from '../../src/testing/index.js';
import { sendCommand } from '../../src/testing/redis-command.js';
import { connectionOf } from '../../src/connection/connection.js';
import { Tracking } from '../../src/connection/tracking/tracking.js';
import { describeWithRealRedis } from '../../../../test/support/real-redis.js';
import { eventually, waitUntil } from '../../../../test/support/time.js';
import { openConnection } from './support/open-connection.js';
import { PREFIXES, track } from './support/tracked.js';

describeWithRealRedis('Tracking one server', () => {
  let server: RedisTestServer;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.stop());

  it('hears which keys another client changes, under its prefixes only', async () => {
    await using tracked = await track({ url: server.url });
    await using writer = await track({ url: server.url });
    await tracked.armed();
    await writer.client.mset({ 'cache:app:test:a': '1', 'tag:app:test:t': '1', 'other:b': '1' });
    await writer.client.set('cache:app:test:end', '1');
    await eventually(() => {
      expect(tracked.keys).toContain('cache:app:test:end');
    });
    expect([...tracked.keys].sort()).toEqual([
      'cache:app:test:a',
      'cache:app:test:end',
      'tag:app:test:t',
    ]);
    expect(tracked.heard[0]).toBe('armed');
  });

  it('proves again and again that it hears', async () => {
    await using tracked = await track({ url: server.url });
    await tracked.armed();
    const [link] = tracked.tracking.links;
    const first = link?.provenAt ?? NaN;
    await eventually(() => {
      expect(link?.provenAt).toBeGreaterThan(first + 100);
    });
    expect(tracked.tracking.linkOf('cache:app:test:a')).toBe(link);
  });

  it('is lost with the connection of the client, and armed with the next one', async () => {
    await using tracked = await track({ url: server.url });
    await tracked.armed();
    const [link] = tracked.tracking.links;
    const before = link?.epoch ?? NaN;
    (tracked.client as Redis).stream.destroy();
    await tracked.hears('lost');
    await tracked.armed();
    expect(link?.epoch).toBeGreaterThan(before);
    expect(tracked.heard).toEqual(['armed', 'lost', 'armed']);
  });

  it('hears a flush, and keys whatever their names are', async () => {
    await using tracked = await track({ url: server.url });
    await using writer = await track({ url: server.url });
    await tracked.armed();
    const keys = ['a,b', 'a\nb', 'a\r\n$5', 'ü€😀', '%2C', '*', ''].map(
      (name) => `cache:app:test:${name}`,
    );
    for (const key of keys) await writer.client.set(key, '1');
    await eventually(() => {
      expect(tracked.keys).toEqual(keys);
    });
    await writer.client.flushall();
    await tracked.hears('flushed');
    tracked.keys.length = 0;
    await writer.client.mset(Object.fromEntries(keys.map((key) => [key, '1'])));
    await eventually(() => {
      expect([...tracked.keys].sort()).toEqual([...keys].sort());
    });
    expect(tracked.heard.filter((word) => /^(flushed|lost|armed)/.test(word))).toEqual([
      'armed',
      'flushed',
    ]);
  });

  it('has heard every change that was acknowledged before a heartbeat that was answered', async () => {
    await using tracked = await track({ url: server.url }, 10);
    await using writer = await track({ url: server.url });
    await tracked.armed();
    const [link] = tracked.tracking.links;
    for (let i = 0; i < 200; i++) {
      const key = `cache:app:test:${i}`;
      await writer.client.set(key, '1');
      const acknowledgedAt = performance.now();
      while ((link?.provenAt ?? NaN) <= acknowledgedAt) await setImmediate();
      expect(tracked.keys).toContain(key);
    }
  });

  it('beats faster for a copy that may be less stale, and never slower', async () => {
    await using tracked = await track({ url: server.url }, 600_000);
    await tracked.armed();
    const [link] = tracked.tracking.links;
    tracked.tracking.beat(20);
    tracked.tracking.beat(600_000);
    const before = performance.now();
    await eventually(() => {
      expect(link?.provenAt).toBeGreaterThan(before + 50);
    });
    expect(tracked.tracking.state.oldestProofAgeMs).toBeLessThan(600_000);
  });

  it('knows the clock of the server', async () => {
    await using tracked = await track({ url: server.url });
    await tracked.armed();
    const [link] = tracked.tracking.links;
    const { serverMs, atMs } = link?.serverTimeAt ?? { serverMs: NaN, atMs: NaN };
    const hereMs = performance.timeOrigin + atMs; // the server runs on this machine
    expect(Math.abs(serverMs - hereMs)).toBeLessThan(60_000);
  });

  it('tells the listeners of commands nothing', async () => {
    await using tracked = await track({ url: server.url }, 10);
    const events: unknown[] = [];
    tracked.connection.telemetry.subscribe({ command: (event) => events.push(event) });
    await tracked.armed();
    const [link] = tracked.tracking.links;
    const before = performance.now();
    await eventually(() => {
      expect(link?.provenAt).toBeGreaterThan(before + 100);
    });
    expect(events).toEqual([]);
  });

  it('belongs to no request, although a request opens it', async () => {
    const requests = new AsyncLocalStorage<string>();
    const connection = await openConnection({ url: server.url });
    const seen = new Set<string | undefined>();
    const note = () => seen.add(requests.getStore());
    const listener = { changed: note, flushed: note, lost: note, armed: note };
    const rest = { moved: note, redirected: note, unavailable: note };
    const tracking = new Tracking(
      connectionOf(connection.client),
      PREFIXES,
      { ...listener, ...rest },
      50,
    );
    requests.run('a request', () => {
      tracking.open();
    });
    await waitUntil('it is armed', () => tracking.state.isArmed);
    await requests.run('a writer', () => connection.client.set('cache:app:test:a', '1'));
    await waitUntil('the key is heard', () => tracking.pushes > 1);
    await tracking.close();
    await connection.close();
    expect([...seen]).toEqual([undefined]);
  });

  it('opens one connection, however often it is asked to', async () => {
    await using tracked = await track({ url: server.url });
    const before = await connectionsOf(server);
    await tracked.armed();
    for (let i = 0; i < 10; i++) tracked.tracking.open();
    await tracked.armed();
    expect(await connectionsOf(server)).toBe(before + 1);
    await tracked.tracking.close();
    await eventually(async () => {
      expect(await connectionsOf(server)).toBe(before);
    });
    expect(await tracked.client.ping()).toBe('PONG');
  });
});

async function connectionsOf(server: RedisTestServer): Promise<number> {
  return String(await sendCommand(server, 'CLIENT', 'LIST'))
    .trim()
    .split('\n').length;
}
