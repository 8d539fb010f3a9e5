import { describe, expect, it } from '@jest/globals';
import { FrameScanner, NOT_HERE, UnknownTypeError } from './frame-scanner.js';

/** One reply of each type, and nested ones. */
const REPLIES = [
  '+OK\r\n',
  '-ERR no, 12-3\r\n',
  ':-42\r\n',
  '$5\r\nhe\r\no\r\n',
  '$0\r\n\r\n',
  '$-1\r\n',
  '_\r\n',
  '#t\r\n',
  ',1.5e-10\r\n',
  '(-3492890328409238509324850943850943825024385\r\n',
  '!5\r\nERR x\r\n',
  '=7\r\ntxt:abc\r\n',
  '*0\r\n',
  '*-1\r\n',
  '*2\r\n*2\r\n:1\r\n$3\r\n*9\r\r\n+a\r\n',
  '~1\r\n:1\r\n',
  '%2\r\n+a\r\n:1\r\n+b\r\n*1\r\n_\r\n',
  '|1\r\n+ttl\r\n:3600\r\n*1\r\n$1\r\nx\r\n',
  '>2\r\n$10\r\ninvalidate\r\n*1\r\n$3\r\nfoo\r\n',
];

/** The ends of all replies in a stream of pieces. */
function endsIn(pieces: readonly Buffer[]): number[] {
  const scanner = new FrameScanner();
  const ends: number[] = [];
  let before = 0;
  for (const piece of pieces) {
    for (let at = 0; at < piece.length;) {
      at = scanner.endOf(piece, at);
      if (at === NOT_HERE) break;
      expect(scanner.isInside).toBe(false);
      ends.push(before + at);
    }
    before += piece.length;
  }
  return ends;
}

describe('FrameScanner', () => {
  const stream = Buffer.from(REPLIES.join(''));
  const ends = REPLIES.map((_, i) => REPLIES.slice(0, i + 1).join('').length);

  it('finds the end of each reply', () => {
    expect(endsIn([stream])).toEqual(ends);
  });

  it('finds them wherever the connection cuts', () => {
    expect(endsIn([...stream].map((byte) => Buffer.of(byte)))).toEqual(ends);
    for (let cut = 1; cut < stream.length; cut++) {
      expect(endsIn([stream.subarray(0, cut), stream.subarray(cut)])).toEqual(ends);
    }
  });

  it('gives up at a type that it does not know', () => {
    expect(() => endsIn([Buffer.from('?1\r\n')])).toThrow(UnknownTypeError);
  });
});
