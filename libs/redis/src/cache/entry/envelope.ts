import type { ResolvedPolicy } from '../cache-policy.js';
import type { DependencyList } from './dependencies.js';

/**
 * How an entry is stored: a header of fixed size, what it depends on, and the body, in one string.
 *
 *     c1 <kind:1> <fill id:22> <fresh until:13> <live until:13> <loaded at:13> <length of dependencies:7>
 *     <dependencies> <body>
 *
 * without the spaces. Times are milliseconds of the server's clock. An entry that is fresh as long as it
 * lives ends when Redis expires it; only a copy outside of Redis looks at its time. The body is what a
 * serializer has made: any bytes. Unless that was JSON, its name and a line break stand before the body,
 * and the kind says so.
 */
const MAGIC = 'c1';
const KIND_AT = 2;
const FILL_ID_AT = 3;
const FILL_ID_LENGTH = 22;
const FRESH_AT = FILL_ID_AT + FILL_ID_LENGTH;
const LIVE_AT = FRESH_AT + 13;
const LOADED_AT = LIVE_AT + 13;
const LENGTH_AT = LOADED_AT + 13;

/** How much of an entry tells which load has made it, and until when it lives. */
export const HEADER_LENGTH = LENGTH_AT + 7;

/** `v` for a value, `n` for `null`, `u` for `undefined`: the last two say that there is none. */
export type EntryKind = 'v' | 'n' | 'u';

/** The kind of a value whose serializer is named before its body. Values in JSON have no name there. */
const BY_NAME = 's';
const UNNAMED = 'json';

const KINDS = `vnu${BY_NAME}`;
const ZERO = 48;
const LINE_BREAK = 10;

/** By character code: which characters a kind, and an id, consist of. */
const IS_KIND = charactersOf(KINDS);
const IS_OF_IDS = charactersOf('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_');

export interface EntryFacts {
  readonly kind: EntryKind;
  /** The name of the serializer that made the body. */
  readonly serializer: string;
  /** The load that made it. Never repeats. */
  readonly fillId: string;
  /** On the server's clock, as all times. */
  readonly freshUntil: number;
  /** When Redis expires it: not before `freshUntil`. */
  readonly liveUntil: number;
  readonly loadedAt: number;
}

/** A stored entry. Decodes when asked what not every read needs. */
export class Entry implements EntryFacts {
  readonly freshUntil: number;
  readonly liveUntil: number;
  readonly loadedAt: number;
  readonly #bytes: Buffer;
  readonly #dependenciesEnd: number;
  readonly #bodyAt: number;

  /** @param bodyAt behind `dependenciesEnd`, if the name of a serializer stands between */
  constructor(
    bytes: Buffer,
    { freshUntil, liveUntil, loadedAt }: Pick<EntryFacts, 'freshUntil' | 'liveUntil' | 'loadedAt'>,
    dependenciesEnd: number,
    bodyAt: number,
  ) {
    this.#bytes = bytes;
    this.freshUntil = freshUntil;
    this.liveUntil = liveUntil;
    this.loadedAt = loadedAt;
    this.#dependenciesEnd = dependenciesEnd;
    this.#bodyAt = bodyAt;
  }

  get kind(): EntryKind {
    return isNamed(this.#bytes)
      ? 'v'
      : (String.fromCharCode(this.#bytes[KIND_AT] as number) as EntryKind);
  }

  get serializer(): string {
    if (!isNamed(this.#bytes)) return UNNAMED;
    return this.#bytes.toString('latin1', this.#dependenciesEnd, this.#bodyAt - 1);
  }

  get fillId(): string {
    return this.#bytes.toString('latin1', FILL_ID_AT, FRESH_AT);
  }

  get hasDependencies(): boolean {
    return this.#dependenciesEnd > HEADER_LENGTH;
  }

  get dependencies(): string {
    return this.#bytes.toString('utf8', HEADER_LENGTH, this.#dependenciesEnd);
  }

  /** A view of what was read. */
  get body(): Buffer {
    return this.#bytes.subarray(this.#bodyAt);
  }
}

/** The version of each dependency, by label; `null` where it was being changed. */
export type Versions = ReadonlyMap<string, string | null>;

interface Ingredients {
  readonly kind: EntryKind;
  readonly body: Buffer;
  /** The name of the serializer that made the body. */
  readonly serializer: string;
  readonly ttlMs: number;
  readonly policy: ResolvedPolicy;
  readonly fillId: string;
  readonly versions: Versions;
  /** On the server's clock. */
  readonly now: number;
}

/**
 * Makes the entry to store.
 *
 * @returns it, and how long Redis is to keep it: for `null` and `undefined` only as long as they are fresh,
 * because they are never served stale
 */
export function makeEntry({ kind, body, ttlMs, policy, versions, now, ...made }: Ingredients) {
  const freshMs = ttlMs * (1 - policy.jitter * Math.random());
  const liveMs = Math.max(1, kind === 'v' ? liveMsOf(freshMs, policy) : freshMs);
  const freshUntil = now + Math.max(1, freshMs);
  const facts = { kind, freshUntil, liveUntil: now + liveMs, loadedAt: now, ...made };
  const bytes = encodeEntry(facts, encodeVersions(versions), body);
  return { bytes, liveMs };
}

/** How long Redis keeps a value that is fresh for `ttlMs`. */
export function liveMsOf(ttlMs: number, { staleForMs, failSafeMs }: ResolvedPolicy): number {
  return ttlMs + staleForMs + failSafeMs;
}

export function encodeEntry(facts: EntryFacts, dependencies: string, body: Buffer): Buffer {
  const { kind, serializer, fillId, freshUntil, liveUntil, loadedAt } = facts;
  const isNamed = kind === 'v' && serializer !== UNNAMED;
  const times = digits(freshUntil, 13) + digits(liveUntil, 13) + digits(loadedAt, 13);
  const head = MAGIC + (isNamed ? BY_NAME : kind) + fillId + times;
  const length = digits(Buffer.byteLength(dependencies), 7);
  const name = isNamed ? `${serializer}\n` : '';
  return Buffer.concat([Buffer.from(head + length + dependencies + name), body]);
}

/** How dependencies and their versions stand in an entry. Neither contains a line break. */
export function encodeVersions(versions: Versions): string {
  let block = '';
  for (const [label, version] of versions) block += `${label}\n${version ?? ''}\n`;
  return block;
}

/** @returns `undefined` for bytes that are no entry, or only a part of one */
export function decodeEntry(bytes: Buffer): Entry | undefined {
  if (!beginsWithId(bytes)) return undefined;
  const freshUntil = numberIn(bytes, FRESH_AT, LIVE_AT);
  const liveUntil = numberIn(bytes, LIVE_AT, LOADED_AT);
  const loadedAt = numberIn(bytes, LOADED_AT, LENGTH_AT);
  const end = HEADER_LENGTH + numberIn(bytes, LENGTH_AT, HEADER_LENGTH);
  // A comparison with NaN is false.
  if (!(freshUntil >= 0 && liveUntil >= 0 && loadedAt >= 0 && end <= bytes.length))
    return undefined;
  const bodyAt = isNamed(bytes) ? bytes.indexOf(LINE_BREAK, end) + 1 : end;
  const times = { freshUntil, liveUntil, loadedAt };
  return bodyAt === 0 ? undefined : new Entry(bytes, times, end, bodyAt);
}

export function decodeVersions({ dependencies }: Entry): Map<string, string> {
  const lines = dependencies.split('\n');
  const versions = new Map<string, string>();
  for (let i = 0; i + 1 < lines.length; i += 2) {
    versions.set(lines[i] as string, lines[i + 1] as string);
  }
  return versions;
}

/**
 * Whether an entry depends on exactly this list, in its order, and was made of these versions. Decides
 * the usual case without decoding the entry's versions.
 *
 * @param readings in the order of the list
 */
export function standsExactly(
  entry: Entry,
  list: DependencyList,
  readings: readonly (string | null)[],
): boolean {
  if (list.all.length === 0) return !entry.hasDependencies;
  const block = list.blockOf(readings);
  return block !== undefined && entry.dependencies === block;
}

/** The fill id of any stored bytes, '' if no load of this library has made them. Scripts decide alike. */
export function fillIdOf(bytes: Buffer): string {
  const isOurs = beginsWithId(bytes) && numberIn(bytes, FRESH_AT, HEADER_LENGTH) >= 0;
  return isOurs ? bytes.toString('latin1', FILL_ID_AT, FRESH_AT) : '';
}

/** `fillIdOf` in Lua. */
export const LUA_FILL_ID_OF = `
local function fill_id_of(text)
  local is_ours = string.find(text, '^${MAGIC}[${KINDS}]')
    and string.find(string.sub(text, ${FRESH_AT + 1}, ${HEADER_LENGTH}), '^${'%d'.repeat(HEADER_LENGTH - FRESH_AT)}$')
  local id = string.sub(text, ${FILL_ID_AT + 1}, ${FRESH_AT})
  return is_ours and string.find(id, '^[%w_-]+$') and id or ''
end
`;

function isNamed(bytes: Buffer): boolean {
  return bytes[KIND_AT] === BY_NAME.charCodeAt(0);
}

/**
 * Whether the bytes begin like an entry, up to the end of the fill id. Compares byte by byte: decoding
 * them to a string first took longer, and a regular expression twice as long.
 */
function beginsWithId(bytes: Buffer): boolean {
  if (bytes[0] !== MAGIC.charCodeAt(0) || bytes[1] !== MAGIC.charCodeAt(1)) return false;
  if (IS_KIND[bytes[KIND_AT] as number] !== 1) return false;
  for (let i = FILL_ID_AT; i < FRESH_AT; i++) {
    if (IS_OF_IDS[bytes[i] as number] !== 1) return false;
  }
  return true;
}

/** The number that these bytes spell in digits; NaN for anything else. */
function numberIn(bytes: Buffer, from: number, to: number): number {
  let number = 0;
  for (let i = from; i < to; i++) {
    const digit = (bytes[i] as number) - ZERO;
    if (!(digit >= 0 && digit <= 9)) return NaN;
    number = number * 10 + digit;
  }
  return number;
}

function digits(number: number, length: number): string {
  return String(Math.round(number)).padStart(length, '0');
}

function charactersOf(text: string): Uint8Array {
  const isOne = new Uint8Array(256);
  for (const one of text) isOne[one.charCodeAt(0)] = 1;
  return isOne;
}
