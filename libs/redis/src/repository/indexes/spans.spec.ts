import { describe, expect, it } from '@jest/globals';
import { rankOf } from './rank.js';
import { EVERYTHING, spanOf, spansBehind } from './spans.js';

const rank = (value: number) => rankOf(value) ?? '';
const [one, two, three] = [1, 2, 3].map((value) => spanOf(rank(value)));
const spans = [one, two, three].flatMap((span) => span ?? []);

describe('The spans behind a member', () => {
  it('go on after it, and leave out those before it', () => {
    const member = `${rank(2)}id`;
    expect(spansBehind(spans, member, false)).toEqual([{ ...two, min: `(${member}` }, three]);
    expect(spansBehind([...spans].reverse(), member, true)).toEqual([
      { ...two, max: `(${member}` },
      one,
    ]);
  });

  it('are as they were if the member is before all of them', () => {
    expect(spansBehind(spans, `${rank(0)}id`, false)).toEqual(spans);
    expect(spansBehind(spans, `${rank(4)}id`, true)).toEqual(spans);
  });

  it('have no end where there was none', () => {
    const member = `${rank(2)}id`;
    expect(spansBehind([EVERYTHING], member, false)).toEqual([{ min: `(${member}`, max: '+' }]);
    expect(spansBehind([EVERYTHING], member, true)).toEqual([{ min: '-', max: `(${member}` }]);
  });

  it.each([
    ['\uffee', '😀'],
    ['😀', '\uffee'],
    ['a', 'b'],
  ])('go on after the next member, however its id sorts: %s, %s', (first, second) => {
    const [before, after] = [first, second].map((id) => `${rank(2)}${id}`) as [string, string];
    for (const span of [EVERYTHING, two ?? EVERYTHING]) {
      const upwards = spansBehind(spansBehind([span], before, false), after, false);
      expect(upwards).toEqual([{ ...span, min: `(${after}` }]);
      const downwards = spansBehind(spansBehind([span], before, true), after, true);
      expect(downwards).toEqual([{ ...span, max: `(${after}` }]);
    }
  });
});
