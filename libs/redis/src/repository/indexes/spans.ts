import { RANK_LENGTH, rankAfter, type Rank } from './rank.js';

/** A part of a range index, in the notation of ZRANGEBYLEX. */
export interface Span {
  readonly min: string;
  readonly max: string;
}

export const EVERYTHING: Span = { min: '-', max: '+' };

/** All members with a rank. */
export function spanOf(rank: Rank): Span {
  return { min: `[${rank}`, max: `(${rankAfter(rank)}` };
}

/**
 * The spans behind a member. Compares ranks only: JavaScript does not sort ids as their bytes are sorted, and a
 * span that has the rank of the member goes on after it.
 */
export function spansBehind(spans: readonly Span[], member: string, isDescending: boolean): Span[] {
  const rank = rankIn(member);
  return spans.flatMap(({ min, max }) => {
    const [from, to] = [min.slice(1), max.slice(1)]; // without bracket
    if (isDescending) {
      if (min !== '-' && rankIn(from) > rank) return [];
      const isBehind = max !== '+' && (to === rank || rankIn(to) < rank);
      return { min, max: isBehind ? max : `(${member}` };
    }
    if (max !== '+' && rankIn(to) <= rank) return [];
    return { min: min !== '-' && rankIn(from) > rank ? min : `(${member}`, max };
  });
}

function rankIn(member: string): string {
  return member.slice(0, RANK_LENGTH);
}
