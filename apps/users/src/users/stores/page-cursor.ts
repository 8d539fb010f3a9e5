import { UnacceptableValueException } from '../user.exceptions.js';

/** The last user of a page: the next page begins after it. */
export interface PageEnd {
  readonly createdAt: Date;
  readonly id: string;
}

/** Makes a cursor, which is opaque to clients and safe in a URL. */
export function cursorOf({ createdAt, id }: PageEnd): string {
  return Buffer.from(JSON.stringify([createdAt.getTime(), id])).toString('base64url');
}

/** @throws UnacceptableValueException for a text that {@link cursorOf} has not made */
export function parseCursor(cursor: string): PageEnd {
  const end = readCursor(cursor);
  if (end !== undefined && cursorOf(end) === cursor) return end;
  throw new UnacceptableValueException('cursor', 'must be one that a page has given');
}

function readCursor(cursor: string): PageEnd | undefined {
  try {
    const parts: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    if (!Array.isArray(parts) || parts.length !== 2) return undefined;
    const [time, id] = parts as readonly unknown[];
    if (typeof time !== 'number' || typeof id !== 'string' || id.includes('\0')) return undefined;
    const createdAt = new Date(time);
    return isStorable(createdAt) ? { createdAt, id } : undefined;
  } catch {
    return undefined;
  }
}

/** Whether a year has four digits: other dates sort differently as texts, and PostgreSQL refuses some. */
function isStorable(date: Date): boolean {
  return /^\d{4}-/.test(Number.isNaN(date.getTime()) ? '' : date.toISOString());
}
