/** Tracking of servers of each kind that a connection may lead to. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { Cluster, Redis } from 'ioredis';
import { startCluster, startRedis, startSentinel } from '../../src/testing/index.js';
import { EmbeddedTestServer } from '../../src/testing/embedded-test-server.js';
import { sendCommand } from '../../src/testing/redis-command.js';
import { describeWithRealRedis, itSinceRedis7 } from '../../../../test/support/real-redis.js';
import { eventually, waitUntil } from '../../../../test/support/time.js';
import { trackOver, type Tracked } from './support/tracked.js';
import { useTracking } from './support/use-tracking.js';

const { cleanups, start, open } = useTracking();

/** Waits until the change of a key is heard. */
async function expectToHear({ client, keys }: Tracked) {
  const key = `cache:app:test:${keys.length}`;
  await client.set(key, '1');
  await waitUntil('the key is heard', () => keys.includes(key));
}

describeWithRealRedis('Tracking', () => {
  it('works over a Unix socket, with a password and another database', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'redis-socket-'));
    cleanups.push(() => {
      rmSync(folder, { recursive: true });
    });
    const path = join(folder, 'my redis.sock');
    await start(startRedis({ password: 'p@ss', args: ['--unixsocket', path] }));
    const tracked = await open({ path, password: 'p@ss', db: 3 });
    await tracked.armed();
    await expectToHear(tracked);
  });

  it.each(['localhost', '127.0.0.1'])('works over TLS to %s', async (host) => {
    const server = await start(startRedis({ tls: true, password: 'secret' }));
    const { port } = server;
    const tls = { ca: server.tls?.ca ?? '' };
    const tracked = await open({ host, port, password: 'secret', tls });
    await tracked.armed();
    await expectToHear(tracked);
  });

  itSinceRedis7('works over TLS to a cluster whose certificates are for names', async () => {
    const cluster = await start(
      startCluster({ tls: true, hostname: 'localhost', password: 'secret', replicas: false }),
    );
    const tracked = await open({
      clusterNodes: cluster.nodes.map(({ port }) => ({ host: 'localhost', port })),
      password: 'secret',
      tls: { ca: cluster.nodes[0]?.tls?.ca ?? '' },
    });
    await tracked.armed();
    expect([...tracked.tracking.links]).toHaveLength(3);
    await expectToHear(tracked);
    const plain = new Cluster([{ host: 'localhost', port: cluster.nodes[0]?.port ?? 0 }], {
      dnsLookup: (name, done) => {
        done(null, name);
      },
      redisOptions: { password: 'secret', tls: { ca: cluster.nodes[0]?.tls?.ca } },
    });
    const close = async () => {
      await plain.quit();
    };
    const ofPlain = trackOver({ ...tracked.connection, client: plain, close });
    cleanups.push(() => ofPlain.close());
    await ofPlain.armed();
    await expectToHear(ofPlain);
  });

  it('follows a failover of sentinels, over TLS', async () => {
    const topology = await start(startSentinel({ tls: true, password: 'secret' }));
    const tracked = await open({
      sentinels: topology.sentinels.map(({ port }) => ({ host: 'localhost', port })),
      sentinelName: topology.name,
      sentinelTls: { ca: topology.primary.tls?.ca ?? '' },
      password: 'secret',
      tls: { ca: topology.primary.tls?.ca ?? '' },
    });
    await tracked.armed();
    const [link] = tracked.tracking.links;
    const epoch = link?.epoch ?? NaN;
    expect((tracked.client as Redis).stream.remotePort).toBe(topology.primary.port);
    await sendCommand(
      topology.sentinels[0] ?? topology.primary,
      'SENTINEL',
      'FAILOVER',
      topology.name,
    );
    await tracked.hears('lost');
    await eventually(async () => {
      // On a busy machine the sentinels may have changed their minds: then it is the first one again.
      const { port } = await topology.currentPrimary();
      expect((tracked.client as Redis).stream.remotePort).toBe(port);
      expect(tracked.tracking.state.isArmed).toBe(true);
      await tracked.client.set('cache:app:test:after', '1'); // may be interrupted by the failover
      expect(tracked.keys).toContain('cache:app:test:after');
    });
    expect(link?.epoch).toBeGreaterThan(epoch);
  });

  it('takes the credentials that are valid when it connects', async () => {
    const server = await start(startRedis({ password: 'admin', args: [] }));
    for (const name of ['one', 'two']) {
      await sendCommand(server, 'ACL', 'SETUSER', name, 'on', `>${name}`, '~*', '&*', '+@all');
    }
    let user = 'one';
    const { host, port } = server;
    const credentials = () => ({ username: user, password: user });
    const tracked = await open({ host, port, credentials });
    await tracked.armed();
    user = 'two';
    await sendCommand(server, 'ACL', 'DELUSER', 'one'); // ends its connections
    await tracked.hears('lost');
    await tracked.armed();
    await expectToHear(tracked);
  });

  it('is unavailable, once and for one reason, to a user who may not send CLIENT', async () => {
    const server = await start(startRedis({ password: 'admin', args: [] }));
    const rules = ['on', '>one', '~*', '&*', '+@all', '-client'];
    await sendCommand(server, 'ACL', 'SETUSER', 'one', ...rules);
    const { host, port } = server;
    const tracked = await open({ host, port, username: 'one', password: 'one' });
    tracked.tracking.open();
    await tracked.hears('unavailable');
    expect(tracked.heard).toEqual(['unavailable: An ACL forbids CLIENT TRACKING.']);
    expect(tracked.tracking.state).toEqual({
      isArmed: false,
      reason: 'An ACL forbids CLIENT TRACKING.',
      oldestProofAgeMs: Infinity,
    });
    (tracked.client as Redis).stream.destroy();
    await tracked.connection.until('connection.ready', 2);
    await eventually(async () => {
      const log = await sendCommand(server, 'ACL', 'LOG');
      expect(JSON.stringify(log)).toContain('client');
    });
    expect(tracked.heard).toHaveLength(1);
    await sendCommand(server, 'ACL', 'SETUSER', 'one', '+client');
    (tracked.client as Redis).stream.destroy();
    await tracked.armed();
    await expectToHear(tracked);
  });

  it.each([
    ['SUBSCRIBE', ['resetchannels']],
    ['SET', ['-set']],
  ])('is unavailable to a user who may not send %s', async (command, lacks) => {
    const server = await start(startRedis({ password: 'admin', args: [] }));
    const rules = ['on', '>one', '~*', '&*', '+@all', ...lacks];
    await sendCommand(server, 'ACL', 'SETUSER', 'one', ...rules);
    const { host, port } = server;
    const tracked = await open({ host, port, username: 'one', password: 'one' });
    tracked.tracking.open();
    await tracked.hears('unavailable');
    expect(tracked.heard).toEqual([`unavailable: An ACL forbids ${command}.`]);
  });

  it('needs no more than a few commands', async () => {
    const server = await start(startRedis({ password: 'admin', args: [] }));
    const keys = ['~cache:*', 'resetchannels', '&__redis__:invalidate'];
    const commands = ['+client|id', '+client|tracking', '+subscribe', '+ping', '+set'];
    const rules = ['on', '>one', ...keys, ...commands];
    await sendCommand(server, 'ACL', 'SETUSER', 'one', ...rules);
    const { host, port } = server;
    const tracked = await open({ host, port, username: 'one', password: 'one' });
    await tracked.armed();
    await expectToHear(tracked);
    expect([...tracked.tracking.links][0]?.serverTimeAt).toBeUndefined();
  });

  it('is unavailable to a client with a keyPrefix, whose keys have other beginnings', async () => {
    const server = await start(startRedis());
    const tracked = await open({ url: server.url });
    const client = new Redis(server.port, server.host, { keyPrefix: 'p:' });
    const close = async () => {
      await client.quit();
    };
    const prefixed = trackOver({ ...tracked.connection, client, close });
    cleanups.push(() => prefixed.close());
    prefixed.tracking.open();
    await prefixed.hears('unavailable');
    expect(prefixed.heard).toEqual(['unavailable: The client has a keyPrefix.']);
  });

  it('is unavailable where the command has another name', async () => {
    const server = await start(startRedis({ args: ['--rename-command', 'CLIENT', ''] }));
    const tracked = await open({ url: server.url });
    tracked.tracking.open();
    await tracked.hears('unavailable');
    expect(tracked.heard).toEqual(['unavailable: The server does not know CLIENT TRACKING.']);
  });

  it('is unavailable with the embedded server', async () => {
    const server = await start(EmbeddedTestServer.start());
    const tracked = await open({ url: server.url });
    tracked.tracking.open();
    await tracked.hears('unavailable');
    expect(await tracked.client.ping()).toBe('PONG');
    expect(tracked.heard).toHaveLength(1);
  });

  it('is armed again when a server is back', async () => {
    const server = await start(startRedis());
    const tracked = await open({ url: server.url });
    await tracked.armed();
    await server.restart({ until: 'listening' });
    await tracked.hears('lost');
    await tracked.armed();
    expect(tracked.heard.filter((word) => word.startsWith('unavailable'))).toEqual([]);
    await expectToHear(tracked);
  });
});
