/** The replies that the library reads in the place of ioredis, among all others and however they are cut. */
import { expect, it } from '@jest/globals';
import { once } from 'node:events';
import { Command, type Redis } from 'ioredis';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { StoredReply } from '../../src/connection/driver/replies/stored-reply.js';
import { readKeys, writeArgs } from '../../src/connection/driver/written-command.js';
import type { RedisClient } from '../../src/connection/options/options.js';
import { startRedis } from '../../src/testing/index.js';
import { describeWithRealRedis } from '../../../../test/support/real-redis.js';
import { caught } from './support/caught.js';
import { openConnection } from './support/open-connection.js';

const KEYS = Array.from({ length: 50 }, (_, i) => `k${i}`);
const VALUES = KEYS.map((_, i) =>
  i % 7 === 0 ? null : `${i}:${'ä\r\n*1\r\n$1\r\n'.repeat(i % 5)}`,
);

const read = async (client: RedisClient, keys: readonly string[]) => {
  const reply = await readKeys(client, keys, writeArgs(keys));
  return { reply, texts: keys.map((_, i) => reply.textAt(i)) };
};

async function fill(client: RedisClient): Promise<void> {
  for (const [i, key] of KEYS.entries()) if (VALUES[i]) await client.set(key, VALUES[i] ?? '');
  await client.rpush('list', 'a', 'b');
  await client.set('long', 'x'.repeat(600_000));
}

/** Commands whose replies are of all kinds, and what each gives. */
const OTHERS: readonly [(client: RedisClient) => Promise<unknown>, unknown][] = [
  [(client) => client.get('k1'), VALUES[1]],
  [(client) => client.get('absent'), null],
  [(client) => client.mget('k1', 'absent', 'k2'), [VALUES[1], null, VALUES[2]]],
  [(client) => client.lrange('list', 0, -1), ['a', 'b']],
  [(client) => client.lrange('absent', 0, -1), []],
  [(client) => client.eval("return {1, {'*1', {false}}, 'x'}", 0), [1, ['*1', [null]], 'x']],
  [(client) => client.ping(), 'PONG'],
  [(client) => caught(client.lrange('k1', 0, -1)).then(({ name }) => name), 'ReplyError'],
  [
    (client) => client.multi().get('k1').lrange('list', 0, -1).exec(),
    [
      [null, VALUES[1]],
      [null, ['a', 'b']],
    ],
  ],
];

describeWithRealRedis('The replies to keys that are read together', () => {
  it('are read by the library, on each connection', async () => {
    await using server = await startRedis();
    const { client, close } = await openConnection({ url: server.url });
    await fill(client);
    for (let i = 0; i < 2; i++) {
      const { reply, texts } = await read(client, KEYS);
      expect(reply).toBeInstanceOf(StoredReply);
      expect(texts).toEqual(VALUES);
      const ended = once(client, 'close');
      (client as Extract<RedisClient, { stream: unknown }>).stream.destroy();
      await ended;
    }
    await close();
  });

  it('come to their callers among all other replies, wherever the connection cuts them', async () => {
    await using server = await startRedis();
    await using cutter = await startCutter(Number(new URL(server.url).port));
    const { client, close } = await openConnection({ host: '127.0.0.1', port: cutter.port });
    await fill(client);
    for (let round = 0; round < 40; round++) {
      const random = cutter.random;
      const asked: Promise<void>[] = [];
      for (let i = 0; i < 20; i++) {
        const [other, expected] = OTHERS[
          Math.floor(random() * OTHERS.length)
        ] as (typeof OTHERS)[0];
        const from = Math.floor(random() * KEYS.length);
        const keys = KEYS.slice(from, from + 1 + Math.floor(random() * 20));
        asked.push(
          random() < 0.5
            ? read(client, keys).then(({ texts }) => {
                expect(texts).toEqual(VALUES.slice(from, from + keys.length));
              })
            : other(client).then((reply) => {
                expect(reply).toEqual(expected);
              }),
        );
        if (random() < 0.1) await setImmediate();
      }
      await Promise.all(asked);
    }
    await close();
  });

  it('are left to ioredis where they are long, and the next one is not', async () => {
    await using server = await startRedis();
    const { client, close } = await openConnection({ url: server.url });
    await fill(client);
    const [long, next] = await Promise.all([read(client, ['long', 'k1']), read(client, ['k2'])]);
    expect(long.reply).not.toBeInstanceOf(StoredReply);
    expect(long.texts.map((text) => text?.length)).toEqual([600_000, VALUES[1]?.length]);
    expect(next.reply).toBeInstanceOf(StoredReply);
    expect(next.texts).toEqual([VALUES[2]]);
    await close();
  });

  it('reach their callers although an instrumentation throws at another one', async () => {
    await using server = await startRedis();
    const { client, close } = await openConnection({ url: server.url });
    await fill(client);
    const redis = client as Redis;
    const { sendCommand } = redis;
    redis.sendCommand = (command, stream) => {
      const { resolve } = command;
      command.resolve = (reply) => {
        resolve.call(command, reply);
        if (command.name === 'echo') throw new Error('of an instrumentation');
      };
      return sendCommand.call(redis, command, stream);
    };
    using uncaught = catchNextTick();
    const asked = [client.echo('x'), client.get('k1'), read(client, KEYS), client.get('k2')];
    const [echo, before, own, after] = await Promise.all(asked);
    expect([echo, before, after]).toEqual(['x', VALUES[1], VALUES[2]]);
    expect(own).toHaveProperty('texts', VALUES);
    await setImmediate();
    expect(uncaught.errors.map(({ message }) => message)).toEqual(['of an instrumentation']);
    await close();
  });

  it('are what is stored, whatever the application makes of replies to its own MGETs', async () => {
    await using server = await startRedis();
    const { client, close } = await openConnection({ url: server.url });
    await fill(client);
    Command.setReplyTransformer('mget', (values: unknown[]) => values.map(() => 'transformed'));
    try {
      expect((await read(client, KEYS)).texts).toEqual(VALUES);
      expect((await read(client, ['long'])).texts).toEqual(['x'.repeat(600_000)]);
    } finally {
      Command.setReplyTransformer('mget', (values: unknown) => values);
      await close();
    }
  });

  it('are errors where the server refuses them', async () => {
    await using server = await startRedis();
    const { client, close } = await openConnection({ url: server.url });
    await client.call('ACL', 'SETUSER', 'default', 'resetkeys', '~k*');
    const refused = caught(read(client, ['k1', 'secret']));
    const { texts } = await read(client, ['k1']);
    expect(String(await refused)).toContain('NOPERM');
    expect(texts).toEqual([null]);
    await close();
  });
});

/** Catches what is thrown in a tick of its own: it would end the process. */
function catchNextTick() {
  const { nextTick } = process;
  const errors: Error[] = [];
  process.nextTick = (work: (...args: unknown[]) => void, ...args: unknown[]) => {
    nextTick(() => {
      try {
        work(...args);
      } catch (error) {
        errors.push(error as Error);
      }
    });
  };
  return {
    errors,
    [Symbol.dispose]: () => {
      process.nextTick = nextTick;
    },
  };
}

/** Passes bytes on from a server, cut at random places, and each piece in a turn of its own. */
async function startCutter(target: number) {
  let seed = 7;
  const random = () => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
  const sockets = new Set<Socket>();
  const server = createServer((down) => {
    const up = connect(target, '127.0.0.1');
    for (const socket of [down, up]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        down.destroy();
        up.destroy();
      });
    }
    down.pipe(up);
    up.on('data', (bytes) => {
      up.pause();
      void cut(bytes, down).then(() => up.resume());
    });
  });
  const cut = async (bytes: Buffer, to: Socket) => {
    for (let at = 0; at < bytes.length;) {
      const size =
        random() < 0.5 ? 1 + Math.floor(random() * 8) : 1 + Math.floor(random() * 60_000);
      to.write(bytes.subarray(at, (at += size)));
      await setImmediate();
    }
  };
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    random,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
