import { describe, expect, it } from '@jest/globals';
import { ReadValues, StoredReply, type StoredValues } from './stored-reply.js';

const replyOf = (values: readonly (string | null)[]) =>
  `*${values.length}\r\n` +
  values
    .map((value) => (value === null ? '$-1\r\n' : `$${Buffer.byteLength(value)}\r\n${value}\r\n`))
    .join('');

const read = (reply: string, keys: number, before = '') =>
  StoredReply.in(Buffer.from(before + reply), before.length, keys);

function valuesIn(reply: StoredValues | string): unknown[][] {
  if (typeof reply === 'string') throw new Error(reply);
  const places = Array.from({ length: reply.length }, (_, i) => i);
  return [
    places.map((i) => reply.passingTextAt(i)),
    places.map((i) => reply.textAt(i)),
    places.map((i) => reply.bytesAt(i)?.toString() ?? null),
    places.map((i) => reply.sizeAt(i)),
  ];
}

const LISTS = [
  ['a', null, '', 'a longer value\r\nof two lines', null],
  ['ä', 'a', '€', null, ''],
  [null],
  ['x'.repeat(100_000), 'y'],
];

describe.each(LISTS.map((values) => [values]))('the reply %j', (values) => {
  const sizes = values.map((value) => Buffer.byteLength(value ?? ''));
  const expected = [values, values, values, sizes];

  it('is read where it stands', () => {
    const reply = read(`${replyOf(values)}+OK\r\n`, values.length, '+PONG\r\n');
    expect(valuesIn(reply)).toEqual(expected);
    expect(reply).toMatchObject({ end: '+PONG\r\n'.length + Buffer.byteLength(replyOf(values)) });
  });

  it('is the same whether it is read here or by ioredis', () => {
    const buffers = values.map((value) => (value === null ? null : Buffer.from(value)));
    expect(valuesIn(new ReadValues(buffers))).toEqual(expected);
    expect(valuesIn(new ReadValues(values)).slice(0, 3)).toEqual(expected.slice(0, 3));
  });
});

describe('StoredReply', () => {
  it('gives the texts in any order', () => {
    const reply = read(replyOf(['one', 'two', 'three']), 3) as StoredReply;
    expect([2, 0, 1].map((i) => reply.passingTextAt(i))).toEqual(['three', 'one', 'two']);
  });

  it('waits for all of it, wherever it was cut', () => {
    const whole = replyOf(['a', null, 'b\r\nc', '']);
    for (let cut = 1; cut < whole.length; cut++) {
      expect(read(whole.slice(0, cut), 4)).toBe('incomplete');
    }
  });

  it('reads the null of RESP3', () => {
    expect(valuesIn(read('*2\r\n_\r\n$1\r\na\r\n', 2))[0]).toEqual([null, 'a']);
  });

  it.each([
    ['of another length', '*1\r\n$1\r\na\r\n'],
    ['without a length', '*-1\r\n'],
    ['of another type', '+OK\r\n'],
    ['with a number in it', '*2\r\n:1\r\n$1\r\na\r\n'],
    ['with an error in it', '*2\r\n-ERR no\r\n$1\r\na\r\n'],
    ['with a length that is none', '*2\r\n$1x\r\na\r\n$1\r\na\r\n'],
  ])('leaves a reply to ioredis that is %s', (_, reply) => {
    expect(read(reply, 2)).toBe('other');
  });
});
