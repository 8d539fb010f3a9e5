import { RedisInvalidKeyException } from '../errors/redis-invalid-key.exception.js';

/** The types of parts of a key. Numbers and bigints are written in decimal: 1 and '1' are one id. */
export type KeyPart = string | number | bigint;

/**
 * Characters that mean something to a key (`:`), to this encoding (`%`), to a glob pattern
 * (`*?[]\`) or to a hash tag (`{}`), plus control characters (Cc) and lone surrogates (Cs): those
 * would all become U+FFFD in UTF-8, and two ids would share one key.
 */
const UNSAFE = /[\p{Cc}\p{Cs}:%*?[\]{}\\]/gu;

/** A text that surely needs no encoding; most ids are like this. */
const PLAIN = /^[\w.@-]+$/;

const ENCODED = /%(?:u([0-9A-F]{4})|([0-9A-F]{2}))/g;

/**
 * Writes one part of a key so that it stands for itself only: `a:b` becomes `a%3Ab`.
 *
 * @param name what the part is called in the error
 * @throws RedisInvalidKeyException for an empty string, and for anything that is not a `KeyPart`
 * @internal
 */
export function encodePart(part: KeyPart, name: string): string {
  const text = textOf(part, name);
  if (PLAIN.test(text)) return text;
  if (text === '') throw new RedisInvalidKeyException(name, 'is empty');
  return encodeText(text);
}

/**
 * The text that stands for a code unit in a key, '' where the unit stands for itself. Of the units beyond
 * these only lone surrogates are encoded.
 */
const ENCODED_UNITS = Array.from({ length: 0xa0 }, (_, code) => {
  const unit = String.fromCharCode(code);
  return unit.search(UNSAFE) < 0 ? '' : encodeUnit(unit);
});

/**
 * Encodes without a regular expression, which took three times as long for a text with a colon in it, such
 * as the origin of a URL.
 */
function encodeText(text: string): string {
  let encoded = '';
  let done = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (isSurrogate(code)) return text.replace(UNSAFE, encodeUnit);
    const unit = ENCODED_UNITS[code];
    if (!unit) continue;
    encoded += text.slice(done, i) + unit;
    done = i + 1;
  }
  return done === 0 ? text : encoded + text.slice(done);
}

const isSurrogate = (code: number): boolean => code >= 0xd800 && code <= 0xdfff;

/** The exact inverse of {@link encodePart}, or `undefined` if it could not have written this. */
export function decodePart(encoded: string): string | undefined {
  if (encoded === '') return undefined;
  const decoded = encoded.replace(ENCODED, (_, wide?: string, narrow?: string) =>
    String.fromCharCode(Number.parseInt(wide ?? narrow ?? '', 16)),
  );
  return decoded.replace(UNSAFE, encodeUnit) === encoded ? decoded : undefined;
}

function encodeUnit(unit: string): string {
  const code = unit.charCodeAt(0);
  const hex = code.toString(16).toUpperCase();
  return code < 0x100 ? `%${hex.padStart(2, '0')}` : `%u${hex.padStart(4, '0')}`;
}

/** The type system says `KeyPart`; a caller in JavaScript may still hand over anything. */
function textOf(part: unknown, name: string): string {
  switch (typeof part) {
    case 'string':
      return part;
    case 'bigint':
      return part.toString();
    case 'number':
      if (Number.isFinite(part)) return String(part);
      throw new RedisInvalidKeyException(name, `is ${String(part)}, which is not a finite number`);
    default:
      throw new RedisInvalidKeyException(
        name,
        `is ${part === null ? 'null' : typeof part}; give a string, a number or a bigint`,
      );
  }
}
