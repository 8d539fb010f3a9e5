import { expect, it } from '@jest/globals';
import { blockingTimeMs } from './command-facts.js';

it.each<[string, (string | number | Buffer)[], number]>([
  ['get', ['k'], 0],
  ['constructor', ['k'], 0],
  ['blpop', ['a', 'b', '1.5'], 1_500],
  ['blpop', ['a', 0], Number.POSITIVE_INFINITY],
  ['blpop', ['a', 'soon'], 0],
  ['blpop', [], 0],
  ['blmpop', [2, '1', 'a', 'LEFT'], 2_000],
  ['xread', ['COUNT', 1, 'BLOCK', 250, 'STREAMS', 's', '$'], 250],
  ['BLPOP', ['a', 1], 1_000],
  ['blmovem', ['a', 'b', 'LEFT', 'RIGHT', 2, 'COUNT', 3], 2_000],
  ['xread', ['STREAMS', 's', '0'], 0],
  ['xread', ['STREAMS', 'block', '0'], 0],
  ['xreadgroup', ['GROUP', 'block', '7', 'STREAMS', 's', '>'], 0],
  ['xreadgroup', ['GROUP', 'g', 'c', Buffer.from('block'), '0'], Number.POSITIVE_INFINITY],
  ['wait', ['1', '500'], 500],
])('%s %p may block for %d ms', (name, args, ms) => {
  expect(blockingTimeMs(name, args)).toBe(ms);
});
