import { types } from 'node:util';
import { parseIsoDate } from '../entity/iso-date.js';

/**
 * The place of a number or a date among all others, as 16 hexadecimal digits: texts of ranks sort as their
 * values do. Dates rank by their milliseconds since 1970.
 */
export type Rank = string;

/** The length of a rank. */
export const RANK_LENGTH = 16;

/** A date with its time zone, as `toJSON` of dates writes it. Other texts are no dates, even if `Date` reads them. */
const DATE = /^(?:[+-]\d\d)?\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)$/;

/** The rank of a value as JSON has it; `undefined` for what is no number and no date. */
export function rankOf(stored: unknown): Rank | undefined {
  if (typeof stored === 'number') return rankOfNumber(stored);
  if (typeof stored !== 'string') return undefined;
  return rankOfNumber(parseIsoDate(stored) ?? (DATE.test(stored) ? Date.parse(stored) : NaN));
}

/** The rank of a number or date that a caller gives; `undefined` for anything else, and for what JSON cannot hold. */
export function rankOfGiven(value: unknown): Rank | undefined {
  if (types.isDate(value)) return rankOfNumber(value.getTime());
  return typeof value === 'number' ? rankOfNumber(value) : undefined;
}

/** The rank that follows: members with a rank begin with it, and all of them come before this one. */
export function rankAfter(rank: Rank): Rank {
  return (BigInt(`0x${rank}`) + 1n).toString(16).padStart(RANK_LENGTH, '0');
}

const bytes = Buffer.alloc(RANK_LENGTH / 2);

/**
 * The bits of a double sort as unsigned integers if the sign is flipped, and of negative numbers all bits
 * (https://en.wikipedia.org/wiki/IEEE_754#Total-ordering_predicate_details).
 */
function rankOfNumber(value: number): Rank | undefined {
  if (!Number.isFinite(value)) return undefined;
  bytes.writeDoubleBE(value + 0); // -0 is 0 in JSON
  const mask = (bytes[0] as number) >= 0x80 ? 0xff : 0;
  for (let i = 0; i < bytes.length; i++) bytes[i] = (bytes[i] as number) ^ mask;
  if (mask === 0) bytes[0] = (bytes[0] as number) | 0x80;
  return bytes.toString('hex');
}
