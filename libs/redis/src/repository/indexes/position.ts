import { RedisValidationException } from '../../errors/redis-validation.exception.js';
import { RANK_LENGTH } from './rank.js';

/** A sort: by a property that is indexed with range. */
export interface Sort {
  readonly property: string;
  readonly order: 'asc' | 'desc';
}

/** Names a position in a sort for the caller: the last member that a page has looked at. */
export function cursorOf({ property, order }: Sort, member: string): string {
  return Buffer.from(JSON.stringify([order, property, member])).toString('base64url');
}

/**
 * The member in a cursor.
 *
 * @throws RedisValidationException if no page with this sort has given it
 */
export function memberIn(cursor: string, { property, order }: Sort): string {
  const [itsOrder, itsProperty, member] = partsOf(cursor);
  if (typeof member !== 'string' || !MEMBER.test(member)) {
    throw leadsNowhere('it is not one that a page has given');
  }
  if (itsOrder !== order || itsProperty !== property) {
    throw leadsNowhere('it is from pages with another sort');
  }
  return member;
}

/** A rank, and what may stand for an id in a key. */
const MEMBER = new RegExp(`^[0-9a-f]{${RANK_LENGTH}}[^\\p{Cc}\\p{Cs}:*?[\\]{}\\\\]+$`, 'u');

function partsOf(cursor: unknown): readonly unknown[] {
  try {
    const parts: unknown = JSON.parse(Buffer.from(cursor as string, 'base64url').toString());
    return Array.isArray(parts) ? parts : [];
  } catch {
    return [];
  }
}

function leadsNowhere(reason: string): RedisValidationException {
  const messages = [`must come from the page before (${reason}); start over without one`];
  return new RedisValidationException('The position', [{ property: 'cursor', messages }]);
}
