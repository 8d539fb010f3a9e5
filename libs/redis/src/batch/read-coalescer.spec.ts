import { describe, expect, it } from '@jest/globals';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { RedisClient } from '../connection/options/options.js';
import { ReadCoalescer } from './read-coalescer.js';

/** Answers MGETs from a map, and remembers them. */
function clientWith(values: Readonly<Record<string, string>>, fail?: (keys: string[]) => unknown) {
  const commands: string[][] = [];
  const client = {
    options: {},
    mget: async (keys: string[]) => {
      commands.push(keys);
      const error = fail?.(keys);
      if (error) throw error as Error;
      return keys.map((key) => values[key] ?? null);
    },
  } as unknown as RedisClient;
  return { reads: ReadCoalescer.of(client), client, commands };
}

const readAll = (reads: ReadCoalescer, keys: readonly string[]) =>
  new Promise<unknown>((succeed, fail) => {
    reads.readInto({ succeed, fail }, keys);
  });

const replyError = (message: string) => Object.assign(new Error(message), { name: 'ReplyError' });

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
    expect(ReadCoalescer.of(client)).toBe(reads);
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

  it('does not repeat in an outage, and fails everybody', async () => {
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

  it('gives those who want several keys all of them, in their order, with everybody else', async () => {
    const { reads, commands } = clientWith({ a: '1', b: '2', c: '3' });
    const [some, one, others] = [
      readAll(reads, ['a', 'b', 'a', 'x']),
      reads.read('b'),
      readAll(reads, ['c', 'b']),
    ];
    expect(await some).toEqual(['1', '2', '1', null]);
    expect(await one).toBe('2');
    expect(await others).toEqual(['3', '2']);
    expect(commands).toEqual([['a', 'b', 'x', 'c']]);
  });

  it('waits for all of them when they travel with several commands', async () => {
    const values = Object.fromEntries(Array.from({ length: 600 }, (_, i) => [`k${i}`, `${i}`]));
    const answers: (() => void)[] = [];
    const client = {
      options: {},
      mget: (keys: string[]) =>
        new Promise((resolve) =>
          answers.push(() => {
            resolve(keys.map((key) => values[key]));
          }),
        ),
    } as unknown as RedisClient;
    const reads = ReadCoalescer.of(client);
    const filler = Array.from({ length: 600 }, (_, i) => reads.read(`k${i}`));
    let isDone = false;
    const spread = readAll(reads, ['k599', 'k0', 'k300', 'k1']).finally(() => (isDone = true));
    const near = readAll(reads, ['k2', 'k1']);
    await nextTurn();
    answers[0]?.();
    expect(await near).toEqual(['2', '1']);
    answers[2]?.();
    await nextTurn();
    expect(isDone).toBe(false);
    answers[1]?.();
    expect(await spread).toEqual(['599', '0', '300', '1']);
    expect(await Promise.all(filler)).toEqual(Object.values(values));
  });

  it('tells those who want several keys which of them failed', async () => {
    const { reads } = clientWith({ a: '1' }, (keys) =>
      keys.includes('secret') ? replyError('NOPERM no access to a key') : undefined,
    );
    expect(await readAll(reads, ['a', 'secret'])).toEqual([
      '1',
      expect.objectContaining({ name: 'RedisPermissionException' }),
    ]);
  });

  it('rejects for them what is not a failure of Redis', async () => {
    const { reads } = clientWith({}, () => new TypeError('a bug'));
    await expect(readAll(reads, ['a', 'b'])).rejects.toThrow('a bug');
  });
});
