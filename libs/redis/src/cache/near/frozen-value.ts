/** The bytes that V8 takes for an object, a list, a text and a number that is no small integer. */
const OBJECT = 24;
const LIST = 48;
const TEXT = 24;
const NUMBER = 16;
const SLOT = 8;

/**
 * Freezes a value and everything in it, if it consists of plain objects, lists, texts, numbers and the like.
 * Does not recurse: values may be deep.
 *
 * @returns about how many bytes the value takes; `undefined` if something in it cannot be frozen: then
 * nothing is
 */
export function freezeDeep(value: unknown): number | undefined {
  const found: object[] = [];
  const bytes = weigh(value, found);
  if (bytes === undefined) return undefined;
  for (const one of found) Object.freeze(one);
  return bytes;
}

/** @param found the objects and lists in the value are added to it */
function weigh(value: unknown, found: object[]): number | undefined {
  let bytes = bytesOf(value);
  if (typeof value !== 'object' || value === null) return bytes;
  const seen = new Set<object>();
  const waiting: object[] = [value];
  for (let one = waiting.pop(); one !== undefined; one = waiting.pop()) {
    if (seen.has(one)) continue;
    if (!isPlain(one)) return undefined;
    seen.add(one);
    found.push(one);
    const members: readonly unknown[] = Array.isArray(one) ? one : Object.values(one);
    bytes += (Array.isArray(one) ? LIST : OBJECT) + SLOT * members.length;
    for (const member of members) {
      if (typeof member === 'object' && member !== null) waiting.push(member);
      else bytes += bytesOf(member);
    }
  }
  return bytes;
}

/** Whether freezing it makes it unchangeable: an object of a class may keep its state elsewhere. */
function isPlain(value: object): boolean {
  if (Array.isArray(value)) return true;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function bytesOf(value: unknown): number {
  if (typeof value === 'string') return TEXT + textBytes(value);
  if (typeof value === 'number' && !Number.isSafeInteger(value)) return NUMBER;
  return typeof value === 'bigint' ? NUMBER : 0;
}

const NOT_LATIN1 = /[^\0-\xff]/;

/** How many bytes the characters of a text take in V8: one or two each. */
export function textBytes(text: string): number {
  return NOT_LATIN1.test(text) ? 2 * text.length : text.length;
}
