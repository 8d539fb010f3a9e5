/** A client while the sentinels of a real topology make another server the primary. */
import { afterEach, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import type { RedisModuleOptions } from '../../src/index.js';
import type { RedisTestSentinel, RedisTestServer } from '../../src/testing/index.js';
import { sendCommand } from '../../src/testing/redis-command.js';
import { waitUntil } from '../../src/testing/wait-until.js';
import { describeWithRealRedis } from '../../../../test/support/real-redis.js';
import { Gateway } from './support/gateway.js';
import { openConnection } from './support/open-connection.js';
import { keepCounting, startSlowSentinel } from './support/sentinel-stage.js';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const addressesOf = (servers: readonly RedisTestServer[]) =>
  servers.map(({ host, port }) => ({ host, port }));

async function start() {
  const topology = await startSlowSentinel();
  cleanups.push(() => topology.stop());
  return topology;
}

async function open(options: RedisModuleOptions) {
  const connection = await openConnection(options);
  cleanups.push(() => connection.close());
  return { ...connection, client: connection.client as Redis };
}

const failOver = ({ sentinels: [sentinel], name }: RedisTestSentinel) =>
  sendCommand(sentinel as RedisTestServer, 'SENTINEL', 'FAILOVER', name);

const portOf = ({ stream }: Redis) => stream.remotePort;
const roleOf = async (server: RedisTestServer) =>
  ((await sendCommand(server, 'ROLE')) as string[])[0];

describeWithRealRedis('A client behind sentinels', () => {
  it('leaves a replaced primary with all its connections, even if it still accepts writes', async () => {
    const topology = await start();
    const { primary, sentinels, name: sentinelName } = topology;
    const { client, pool, events } = await open({
      sentinels: addressesOf(sentinels),
      sentinelName,
    });
    const dedicated = await pool.acquire();
    const subscriber = dedicated.client as Redis;
    await subscriber.subscribe('news');
    await waitUntil('every sentinel is listened to', () => isListenedTo(sentinels));
    const counting = keepCounting(client, 'n');

    await failOver(topology);
    await waitUntil('the client has left', () => Promise.resolve(portOf(client) !== primary.port));
    expect(await roleOf(primary)).toBe('master');
    let promoted = primary;
    await waitUntil('the sentinels have another primary', async () => {
      promoted = await topology.currentPrimary();
      return promoted !== primary;
    });
    await waitUntil('both are connected to that one', () =>
      Promise.resolve([client, subscriber].every((one) => portOf(one) === promoted.port)),
    );
    await counting.stop();
    const acknowledged = counting.acknowledged.length;
    expect(await client.incr('n')).toBeGreaterThan(acknowledged / 2); // it is replicated as it goes
    expect(events.filter(({ type }) => type === 'connection.replaced')).toEqual([
      {
        type: 'connection.replaced',
        connection: 'default',
        endpoint: `127.0.0.1:${primary.port}`,
        reason: 'failover',
      },
    ]);
    const received = new Promise((resolve) =>
      subscriber.once('message', (...news) => resolve(news)),
    );
    await waitUntil(
      'the subscriber is there again',
      async () => (await client.publish('news', 'x')) > 0,
    );
    expect(await received).toEqual(['news', 'x']);
    dedicated.release();
  });

  it('leaves a primary that is frozen together with the first sentinel, and does not return to it', async () => {
    const topology = await start();
    const { primary, sentinels, name: sentinelName } = topology;
    const options = { sentinels: addressesOf(sentinels), sentinelName };
    const { client, pool } = await open(options);
    await waitUntil('every sentinel is listened to', () => isListenedTo(sentinels));
    const blocked = pool
      .use((dedicated) => dedicated.blpop('jobs', 0))
      .catch((error: unknown) => error);
    await waitUntil('the blocking command blocks', async () => {
      return String(await sendCommand(primary, 'CLIENT', 'LIST')).includes('cmd=blpop');
    });

    primary.freeze();
    sentinels[0]?.freeze();
    cleanups.push(() => sentinels[0]?.thaw());
    await waitUntil('something is written', async () => (await client.incr('n')) > 0);
    expect(portOf(client)).not.toBe(primary.port);
    expect(await blocked).toMatchObject({ message: 'The connection broke before the reply came' });

    primary.thaw();
    await waitUntil('the former primary answers', async () => (await roleOf(primary)) === 'master');
    expect(await client.set('k', 'after the thaw')).toBe('OK');
    expect(await sendCommand(primary, 'GET', 'k')).not.toBe('after the thaw');

    await waitUntil('the failover has ended', async () => {
      const facts = sentinels
        .slice(1)
        .map((one) => sendCommand(one, 'SENTINEL', 'MASTER', sentinelName));
      return !String(await Promise.all(facts)).includes('failover_in_progress');
    });
    // A later connection does not wait for the frozen sentinel either: its boot takes 10 s at most.
    const later = await open({ ...options, connectTimeout: '1h' });
    expect(portOf(later.client)).toBe(portOf(client));
  });

  it('finds out about a failover although its connections to the sentinels were dead', async () => {
    const topology = await start();
    const { primary, sentinels, name: sentinelName } = topology;
    const gateways = await Promise.all(sentinels.map((sentinel) => Gateway.open(sentinel)));
    for (const gateway of gateways) cleanups.push(() => gateway.close());
    const { client } = await open({
      sentinels: gateways.map(({ host, port }) => ({ host, port })),
      sentinelName,
      silenceTimeout: '300ms',
      ioredis: { updateSentinels: false }, // or it would hear of them on other ways
    });
    await waitUntil('every sentinel is listened to', () => isListenedTo(sentinels));

    for (const gateway of gateways) gateway.strandAll();
    await failOver(topology);
    await waitUntil('the sentinels have another primary', async () => {
      return (await topology.currentPrimary()) !== primary;
    });
    await waitUntil('the client has left', () => Promise.resolve(portOf(client) !== primary.port));
    expect(await roleOf(primary)).toBe('master');
    await waitUntil('it is connected to the next one', async () => {
      return portOf(client) === (await topology.currentPrimary()).port;
    });
  });
});

/** A client that subscribed to two channels, as ours do, at each of them. */
async function isListenedTo(sentinels: readonly RedisTestServer[]): Promise<boolean> {
  const lists = await Promise.all(
    sentinels.map((sentinel) => sendCommand(sentinel, 'CLIENT', 'LIST')),
  );
  return lists.every((list) => String(list).includes(' sub=2 '));
}
