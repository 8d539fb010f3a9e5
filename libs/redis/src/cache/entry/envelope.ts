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

const KINDS = 'vnu';
const ZERO = 48;

/** By character code: what a fill id consists of. */
const IS_OF_IDS = new Uint8Array(128);
for (const one of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_') {
  IS_OF_IDS[one.charCodeAt(0)] = 1;
}

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

/** A stored entry. */
export class Entry implements EntryFacts {
  readonly text: string;
  readonly freshUntil: number;
  readonly loadedAt: number;
  /** Where in the text the dependencies begin, and where they end and the body begins. */
  readonly dependenciesAt = HEADER_LENGTH;
  readonly bodyAt: number;

  constructor(text: string, freshUntil: number, loadedAt: number, bodyAt: number) {
    this.text = text;
    this.freshUntil = freshUntil;
    this.loadedAt = loadedAt;
    this.bodyAt = bodyAt;
  }

  get kind(): EntryKind {
    return this.text[KIND_AT] as EntryKind;
  }

  get fillId(): string {
    return this.text.slice(FILL_ID_AT, FRESH_AT);
  }
}

export function encodeEntry(facts: EntryFacts, dependencies: string, body: string): string {
  const { kind, fillId, freshUntil, loadedAt } = facts;
  const times = digits(freshUntil, 13) + digits(loadedAt, 13);
  return MAGIC + kind + fillId + times + digits(dependencies.length, 7) + dependencies + body;
}

/** @returns `undefined` for what is no entry, or not all of one */
export function decodeEntry(text: string): Entry | undefined {
  if (!beginsWithId(text)) return undefined;
  const freshUntil = numberIn(text, FRESH_AT, LOADED_AT);
  const loadedAt = numberIn(text, LOADED_AT, LENGTH_AT);
  const bodyAt = HEADER_LENGTH + numberIn(text, LENGTH_AT, HEADER_LENGTH);
  // A comparison with NaN is false.
  const isOne = freshUntil >= 0 && loadedAt >= 0 && bodyAt <= text.length;
  return isOne ? new Entry(text, freshUntil, loadedAt, bodyAt) : undefined;
}

/** Of whatever is stored: '' if no load of ours has made it. The scripts see it the same way. */
export function fillIdOf(text: string): string {
  const isOurs = beginsWithId(text) && numberIn(text, FRESH_AT, HEADER_LENGTH) >= 0;
  return isOurs ? text.slice(FILL_ID_AT, FRESH_AT) : '';
}

/** The same in Lua. */
export const LUA_FILL_ID_OF = `
local function fill_id_of(text)
  local is_ours = string.find(text, '^${MAGIC}[${KINDS}]')
    and string.find(string.sub(text, ${FRESH_AT + 1}, ${HEADER_LENGTH}), '^${'%d'.repeat(33)}$')
  local id = string.sub(text, ${FILL_ID_AT + 1}, ${FRESH_AT})
  return is_ours and string.find(id, '^[%w_-]+$') and id or ''
end
`;

/**
 * Whether it begins as an entry does, as far as the end of the fill id. Without a regular expression: the
 * whole of `decodeEntry` took about twice as long with one.
 */
function beginsWithId(text: string): boolean {
  if (!text.startsWith(MAGIC) || !KINDS.includes(text[KIND_AT] ?? ' ')) return false;
  for (let i = FILL_ID_AT; i < FRESH_AT; i++) {
    if (IS_OF_IDS[text.charCodeAt(i)] !== 1) return false;
  }
  return true;
}

/** Written in digits; NaN for anything else. */
function numberIn(text: string, from: number, to: number): number {
  let number = 0;
  for (let i = from; i < to; i++) {
    const digit = text.charCodeAt(i) - ZERO;
    if (!(digit >= 0 && digit <= 9)) return NaN;
    number = number * 10 + digit;
  }
  return number;
}

function digits(number: number, length: number): string {
  return String(Math.round(number)).padStart(length, '0');
}
