/**
 * How an entry is stored: a header of fixed size, what it depends on, and the body, in one string.
 *
 *     c1 <kind:1> <fill id:22> <fresh until:13> <loaded at:13> <length of dependencies:7> <dependencies> <body>
 *
 * without the spaces. Times are milliseconds of the server's clock. `fresh until` is zero for an entry
 * that ends when Redis expires it.
 */
const MAGIC = 'c1';
const KIND_AT = 2;
const FILL_ID_AT = 3;
const FILL_ID_LENGTH = 22;
const FRESH_AT = FILL_ID_AT + FILL_ID_LENGTH;
const LOADED_AT = FRESH_AT + 13;
const LENGTH_AT = LOADED_AT + 13;
const HEADER_LENGTH = LENGTH_AT + 7;

const HEADER = new RegExp(`^${MAGIC}[vnu][\\w-]{${FILL_ID_LENGTH}}\\d{33}$`);

/** A value; `null`, or `undefined`: both say that there is none. */
export type EntryKind = 'v' | 'n' | 'u';

export interface EntryFacts {
  readonly kind: EntryKind;
  /** Which load made it; never repeats. */
  readonly fillId: string;
  /** On the server's clock; 0 for as long as Redis keeps it. */
  readonly freshUntil: number;
  readonly loadedAt: number;
}

export interface Entry extends EntryFacts {
  readonly text: string;
  /** Where in the text the dependencies begin, and where they end and the body begins. */
  readonly dependenciesAt: number;
  readonly bodyAt: number;
}

export function encodeEntry(facts: EntryFacts, dependencies: string, body: string): string {
  const { kind, fillId, freshUntil, loadedAt } = facts;
  const times = digits(freshUntil, 13) + digits(loadedAt, 13);
  return MAGIC + kind + fillId + times + digits(dependencies.length, 7) + dependencies + body;
}

/** @returns `undefined` for what is no entry, or not all of one */
export function decodeEntry(text: string): Entry | undefined {
  if (!hasHeader(text)) return undefined;
  const bodyAt = HEADER_LENGTH + Number(text.slice(LENGTH_AT, HEADER_LENGTH));
  if (bodyAt > text.length) return undefined;
  return {
    text,
    kind: text[KIND_AT] as EntryKind,
    fillId: text.slice(FILL_ID_AT, FRESH_AT),
    freshUntil: Number(text.slice(FRESH_AT, LOADED_AT)),
    loadedAt: Number(text.slice(LOADED_AT, LENGTH_AT)),
    dependenciesAt: HEADER_LENGTH,
    bodyAt,
  };
}

/** Of whatever is stored: '' if no load of ours has made it. The scripts see it the same way. */
export function fillIdOf(text: string): string {
  return hasHeader(text) ? text.slice(FILL_ID_AT, FRESH_AT) : '';
}

/** The same in Lua. */
export const LUA_FILL_ID_OF = `
local function fill_id_of(text)
  local is_ours = string.find(text, '^${MAGIC}[vnu]')
    and string.find(string.sub(text, ${FRESH_AT + 1}, ${HEADER_LENGTH}), '^${'%d'.repeat(33)}$')
  local id = string.sub(text, ${FILL_ID_AT + 1}, ${FRESH_AT})
  return is_ours and string.find(id, '^[%w_-]+$') and id or ''
end
`;

function hasHeader(text: string): boolean {
  return text.startsWith(MAGIC) && HEADER.test(text.slice(0, HEADER_LENGTH));
}

function digits(number: number, length: number): string {
  return String(Math.round(number)).padStart(length, '0');
}
