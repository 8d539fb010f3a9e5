/** Tracking connections that break, fall silent, or never carry a push. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { startFaultProxy, startRedis } from '../../src/testing/index.js';
import { sendCommand } from '../../src/testing/redis-command.js';
import type { RedisTestServer } from '../../src/testing/index.js';
import { describeWithRealRedis } from '../../../../test/support/real-redis.js';
import { eventually, pass } from '../../../../test/support/time.js';
import { Gateway } from './support/gateway.js';
import { useTracking } from './support/use-tracking.js';

const { cleanups, start, open } = useTracking();

describeWithRealRedis('Tracking', () => {
  it('stops proving at once, and is lost, when the server is frozen', async () => {
    const server = await start(startRedis());
    const tracked = await open({ url: server.url }, 20);
    await tracked.armed();
    const [link] = tracked.tracking.links;
    const frozenAt = performance.now();
    server.freeze();
    await tracked.hears('lost');
    expect(link).toMatchObject({ isArmed: false, provenAt: -Infinity });
    expect(performance.now() - frozenAt).toBeGreaterThan(1_900);
    server.thaw();
    await tracked.armed();
  });

  it('proves nothing that was acknowledged after the server was frozen', async () => {
    const server = await start(startRedis());
    const tracked = await open({ url: server.url }, 20);
    await tracked.armed();
    const [link] = tracked.tracking.links;
    server.freeze();
    const frozenAt = performance.now();
    await pass(200);
    expect(link?.provenAt).toBeLessThanOrEqual(frozenAt);
    server.thaw();
    await eventually(() => {
      expect(link?.provenAt).toBeGreaterThan(frozenAt);
    });
    expect(tracked.heard).toEqual(['armed']);
  });

  it('replaces a connection that carries nothing while a new one would', async () => {
    const server = await start(startRedis());
    const gateway = await Gateway.open(server);
    cleanups.push(() => gateway.close());
    const { host, port } = gateway;
    const tracked = await open({ host, port, silenceTimeout: '1s' }, 20);
    await tracked.armed();
    gateway.strandAll();
    await tracked.hears('lost');
    await tracked.armed();
    await tracked.client.set('cache:app:test:a', '1');
    await eventually(() => {
      expect(tracked.keys).toContain('cache:app:test:a');
    });
  });

  it('is armed again after an outage of the network', async () => {
    const server = await start(startRedis());
    const proxy = await start(startFaultProxy(server));
    const { host, port } = proxy;
    const tracked = await open({ host, port });
    await tracked.armed();
    await proxy.cut();
    await tracked.hears('lost');
    await proxy.heal();
    await tracked.armed();
    expect(tracked.heard).toEqual(['armed', 'lost', 'armed']);
  });

  it('is not lost because this process was busy', async () => {
    const server = await start(startRedis());
    const tracked = await open({ url: server.url }, 20);
    await tracked.armed();
    const until = performance.now() + 2_500;
    while (performance.now() < until); // as a long computation
    await pass(300);
    expect(tracked.heard).toEqual(['armed']);
  });

  it('is not armed where no push arrives, and says so once', async () => {
    const server = await start(startRedis());
    const proxy = await startDeafProxy(server);
    cleanups.push(proxy.stop);
    const tracked = await open({ host: '127.0.0.1', port: proxy.port });
    tracked.tracking.open();
    await tracked.hears('unavailable');
    expect(tracked.heard).toEqual([
      'unavailable: The server, or a proxy before it, takes CLIENT TRACKING and pushes no changes.',
    ]);
    expect(tracked.tracking.state.isArmed).toBe(false);
  });

  it('is lost when the server becomes a replica, and armed when it is a primary again', async () => {
    const server = await start(startRedis());
    const tracked = await open({ url: server.url });
    await tracked.armed();
    await sendCommand(server, 'REPLICAOF', '127.0.0.1', '1');
    await tracked.hears('lost');
    expect(tracked.tracking.state.isArmed).toBe(false);
    await sendCommand(server, 'REPLICAOF', 'NO', 'ONE');
    await tracked.armed();
    expect(tracked.heard.filter((word) => word.startsWith('unavailable'))).toEqual([]);
  });

  it('finds out that the server is a replica although it did not say so in time once', async () => {
    const server = await start(startRedis());
    const tracked = await open({ url: server.url, commandTimeout: '100ms' });
    await tracked.armed();
    server.freeze();
    await pass(1_300); // the role is asked for once a second
    server.thaw();
    await tracked.armed();
    await sendCommand(server, 'REPLICAOF', '127.0.0.1', '1');
    await tracked.hears('lost');
    expect(tracked.tracking.state.isArmed).toBe(false);
  });

  it.each(['ends', 'lets-go'])('lets the process end with the client: %s', async (how) => {
    const server = await start(startRedis());
    const script = join(__dirname, 'support/tracking-in-child.cjs');
    const child = spawn(process.execPath, [script, server.url, how], { stdio: 'inherit' });
    const [code] = (await once(child, 'exit')) as [number];
    expect(code).toBe(0);
  });
});

/** A server that takes the command, and never pushes a change of the keys that are tracked. */
async function startDeafProxy({ host, port }: RedisTestServer) {
  const proxy = createServer((client) => {
    const server = connect({ host, port });
    for (const socket of [client, server]) socket.on('error', () => undefined);
    client.on('close', () => server.destroy());
    server.on('close', () => client.destroy());
    server.pipe(client);
    client.on('data', (bytes) => {
      const text = bytes.toString('latin1');
      const deaf = text.includes('BCAST') ? text.replaceAll(':app:test:', ':app:none:') : text;
      server.write(Buffer.from(deaf, 'latin1'));
    });
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const stop = () => new Promise((resolve) => proxy.close(resolve));
  return { port: (proxy.address() as AddressInfo).port, stop };
}
