import { describe, expect, it } from '@jest/globals';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Command } from 'ioredis';
import type { RedisClient } from '../connection/options/options.js';
import { connectionOf } from '../connection/connection.js';
import type { ReadSink } from './read-command.js';
import { ReadCoalescer } from './read-coalescer.js';
import { ReadKey, ReadList } from './read-turn.js';

/** Answers MGETs from a map, and remembers them. */
function clientWith(values: Readonly<Record<string, string>>, fail?: (keys: string[]) => unknown) {
  const commands: string[][] = [];
  const { client, written } = clientThat(async (keys) => {
    commands.push(keys);
    const error = fail?.(keys);
    if (error) throw error as Error;
    return keys.map((key) => values[key] ?? null);
  });
  return { reads: connectionOf(client).part(ReadCoalescer), client, commands, written };
}

function clientThat(answer: (keys: string[]) => Promise<unknown>, options = {}) {
  const written: string[] = [];
  const bytes = async (keys: string[]) => {
    const texts = (await answer(keys)) as (string | null)[];
    return texts.map((text) => (text === null ? null : Buffer.from(text)));
  };
  const sendCommand = (command: Command) => {
    written.push(String(command.toWritable({})));
    return bytes(command.args as string[]);
  };
  const mgetBuffer = (keys: string[]) => bytes([...keys, 'by mget']);
  return { client: { options, sendCommand, mgetBuffer } as unknown as RedisClient, written };
}

const replyError = (message: string) => Object.assign(new Error(message), { name: 'ReplyError' });

const listOf = (...keys: string[]) => new ReadList(keys.map((key) => new ReadKey(key)));

/** Reads into a sink, and resolves with what it is given. */
const readAll = (reads: ReadCoalescer, key: string, list: ReadList) =>
  new Promise<[string | null, readonly (string | null)[]]>((resolve, fail) => {
    const succeed: ReadSink['succeed'] = (stored, beside) => {
      resolve([stored?.toString() ?? null, beside]);
    };
    reads.readInto({ heard: () => undefined, succeed, fail }, key, list);
  });

describe('ReadCoalescer', () => {
  it('turns the reads of one turn of the event loop into one MGET, each key once', async () => {
    const { reads, commands } = clientWith({ a: '1', b: '2' });
    const later = Promise.resolve().then(() => reads.read('c'));
    const all = Promise.all([reads.read('a'), reads.read('b'), reads.read('a'), later]);
    expect(await all).toEqual(['1', '2', '1', null]);
    expect(commands).toEqual([['a', 'b', 'c']]);
  });

  it('never joins a command that was sent', async () => {
    const values: Record<string, string> = { a: 'old' };
    const { reads, commands } = clientWith(values);
    const first = reads.read('a');
    await nextTurn();
    values['a'] = 'new';
    expect([await first, await reads.read('a')]).toEqual(['old', 'new']);
    expect(commands).toHaveLength(2);
  });

  it('is one for all who read through a client', () => {
    const { client, reads } = clientWith({});
    expect(connectionOf(client).part(ReadCoalescer)).toBe(reads);
    expect(clientWith({}).reads).not.toBe(reads);
  });

  it('sends no more than 256 keys with one command', async () => {
    const { reads, commands } = clientWith({});
    await Promise.all(Array.from({ length: 600 }, (_, i) => reads.read(`k${i}`)));
    expect(commands.map(({ length }) => length)).toEqual([256, 256, 88]);
  });

  it('sends fewer keys together while values are large, and as many as before afterwards', async () => {
    const large = 'x'.repeat(256 * 1024);
    const { reads, commands } = clientWith({ large, small: 'x' });
    const readSome = () => Promise.all(Array.from({ length: 10 }, (_, i) => reads.read(`k${i}`)));
    for (let i = 0; i < 100; i++) await reads.read('large');
    commands.length = 0;
    await readSome();
    expect(commands).toHaveLength(10);
    for (let i = 0; i < 1_000; i++) await reads.read('small');
    commands.length = 0;
    await readSome();
    expect(commands).toHaveLength(1);
  });

  it('lets the failure of one key reach only those who asked for it', async () => {
    const { reads } = clientWith({ a: '1' }, (keys) =>
      keys.includes('secret') ? replyError('NOPERM no access to a key') : undefined,
    );
    const secret = reads.read('secret').catch((error: unknown) => error);
    expect(await Promise.all([reads.read('a'), reads.read('b')])).toEqual(['1', null]);
    expect(await secret).toMatchObject({ name: 'RedisPermissionException' });
  });

  it('does not repeat in an outage, and fails all reads', async () => {
    const { reads, commands } = clientWith({}, () => replyError('LOADING Redis is loading'));
    const failures = await Promise.allSettled([reads.read('a'), reads.read('b')]);
    expect(failures.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(commands).toEqual([['a', 'b']]);
  });

  it('passes on what is not a failure of Redis, and goes on', async () => {
    let broken = true;
    const { reads } = clientWith({ a: '1' }, () => (broken ? new TypeError('a bug') : undefined));
    await expect(reads.read('a')).rejects.toThrow('a bug');
    broken = false;
    expect(await reads.read('a')).toBe('1');
  });

  it('gives those who want a list beside a key all of it, in its order, with all others', async () => {
    const { reads, commands } = clientWith({ a: '1', b: '2', c: '3' });
    const [some, one, others, none] = [
      readAll(reads, 'a', listOf('b', 'x')),
      reads.read('a'),
      readAll(reads, 'c', listOf('b')),
      readAll(reads, 'x', listOf()),
    ];
    expect(await some).toEqual(['1', ['2', null]]);
    expect(await one).toBe('1');
    expect(await others).toEqual(['3', ['2']]);
    expect(await none).toEqual([null, []]);
    expect(commands).toEqual([['a', 'b', 'x', 'c', 'b', 'x']]); // a key that two lists know apart
  });

  it('asks once for the keys that lists share, and reads a list once for all who give it', async () => {
    const { reads, commands } = clientWith({ a: '1', t: 'v1', u: 'v2', v: 'v3' });
    const [t, u, v] = ['t', 'u', 'v'].map((key) => new ReadKey(key)) as [ReadKey, ReadKey, ReadKey];
    const [tu, vu, ut] = [new ReadList([t, u]), new ReadList([v, u]), new ReadList([u, t])];
    const read = [readAll(reads, 'a', tu), readAll(reads, 'b', tu), readAll(reads, 'c', vu)];
    const found = await Promise.all([...read, readAll(reads, 'd', ut)]);
    expect(found).toEqual([
      ['1', ['v1', 'v2']],
      [null, ['v1', 'v2']],
      [null, ['v3', 'v2']],
      [null, ['v2', 'v1']],
    ]);
    const [first, second] = found;
    expect(first[1]).toBe(second?.[1]);
    expect(commands).toEqual([['a', 't', 'u', 'b', 'c', 'v', 'd']]);
  });

  it('reads a list anew in each turn, and through each client', async () => {
    const values: Record<string, string> = { t: 'v1', u: 'v2' };
    const { reads } = clientWith(values);
    const [t, u] = [listOf('t'), listOf('u')];
    expect(await readAll(reads, 'a', t)).toEqual([null, ['v1']]);
    values['t'] = 'v3';
    const other = clientWith({ u: 'of another' });
    const turn = [readAll(reads, 'a', u), readAll(other.reads, 'a', u), readAll(reads, 'a', t)];
    expect(await Promise.all(turn)).toEqual([
      [null, ['v2']],
      [null, ['of another']],
      [null, ['v3']],
    ]);
    expect(await readAll(reads, 'a', u)).toEqual([null, ['v2']]);
  });

  it('writes what it sends as Redis reads it', async () => {
    const { reads, written } = clientWith({});
    const list = listOf('t', 'ü');
    await Promise.all([readAll(reads, 'a', list), readAll(reads, 'b', list), reads.read('\ud83d')]);
    const keys = ['$1\r\na\r\n', '$1\r\nt\r\n', '$2\r\nü\r\n', '$1\r\nb\r\n', '$3\r\n\ud83d\r\n'];
    expect(written).toEqual([`*6\r\n$4\r\nmget\r\n${keys.join('')}`]);
  });

  it.each([{ keyPrefix: 'p:' }, { enableAutoPipelining: true }, { showFriendlyErrorStack: true }])(
    'leaves it to a client with the options %j what to send',
    async (options) => {
      const { client } = clientThat((keys) => Promise.resolve(keys), options);
      expect(await connectionOf(client).part(ReadCoalescer).read('a')).toBe('a');
      const asked = await readAll(
        connectionOf(client).part(ReadCoalescer),
        'a',
        listOf('b', 'c', 'd'),
      );
      expect(asked).toEqual(['a', ['b', 'c', 'd']]);
    },
  );

  it('keeps together what is waited for together, in commands of 256 keys', async () => {
    const { reads, commands } = clientWith({});
    const lists = Array.from({ length: 20 }, (_, n) =>
      listOf(...Array.from({ length: 16 }, (_, i) => `t${n}-${i}`)),
    );
    await Promise.all(lists.map((list, n) => readAll(reads, `k${n}`, list)));
    expect(commands.map(({ length }) => length)).toEqual([255, 85]);
    await readAll(reads, 'k', listOf(...Array.from({ length: 300 }, (_, i) => `t${i}`)));
    expect(commands.slice(2).map(({ length }) => length)).toEqual([256, 45]);
  });

  it('waits for all of them when they travel with several commands', async () => {
    const values = Object.fromEntries(Array.from({ length: 600 }, (_, i) => [`k${i}`, `${i}`]));
    const answers: (() => void)[] = [];
    const { client } = clientThat(
      (keys) =>
        new Promise((resolve) =>
          answers.push(() => {
            resolve(keys.map((key) => values[key]));
          }),
        ),
    );
    const reads = connectionOf(client).part(ReadCoalescer);
    const known = Object.keys(values).map((key) => new ReadKey(key));
    const list = (...places: number[]) => new ReadList(places.map((i) => known[i] as ReadKey));
    const filler = known.map((key, i) => readAll(reads, `k${i}`, new ReadList([key])));
    let isDone = false;
    const spread = readAll(reads, 'k0', list(599, 0, 300)).finally(() => (isDone = true));
    const near = readAll(reads, 'k2', list(1, 2));
    await nextTurn();
    answers[0]?.();
    expect(await near).toEqual(['2', ['1', '2']]);
    answers[4]?.();
    await nextTurn();
    expect(isDone).toBe(false);
    answers[2]?.();
    expect(await spread).toEqual(['0', ['599', '0', '300']]);
    for (const answer of answers) answer();
    expect(await Promise.all(filler)).toEqual(
      Object.values(values).map((value) => [value, [value]]),
    );
  });

  it('tells those who want several keys that one of them failed', async () => {
    const { reads } = clientWith({ a: '1' }, (keys) =>
      keys.includes('secret') ? replyError('NOPERM no access to a key') : undefined,
    );
    const denied = { name: 'RedisPermissionException' };
    const list = listOf('secret', 'a');
    const turn = [
      readAll(reads, 'a', list),
      readAll(reads, 'b', list),
      readAll(reads, 'secret', listOf('a')),
    ];
    for (const read of turn) await expect(read).rejects.toMatchObject(denied);
    const fine = readAll(reads, 'a', listOf('a'));
    await expect(readAll(reads, 'secret', listOf())).rejects.toMatchObject(denied);
    expect(await fine).toEqual(['1', ['1']]);
  });

  it('rejects for them what is not a failure of Redis', async () => {
    const { reads } = clientWith({}, () => new TypeError('a bug'));
    await expect(readAll(reads, 'a', listOf('b'))).rejects.toThrow('a bug');
  });
});
