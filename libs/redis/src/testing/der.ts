/**
 * Encodes the few ASN.1 DER types that a certificate needs (ITU-T X.690): a tag, a length, the content.
 */
function der(tag: number, ...contents: readonly Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  return Buffer.concat([Buffer.from([tag, ...encodeLength(content.length)]), content]);
}

function encodeLength(length: number): number[] {
  if (length < 0x80) return [length];
  if (length < 0x100) return [0x81, length];
  return [0x82, length >> 8, length & 0xff];
}

export const sequence = (...items: readonly Buffer[]): Buffer => der(0x30, ...items);
export const set = (...items: readonly Buffer[]): Buffer => der(0x31, ...items);
export const integer = (bytes: Buffer): Buffer => der(0x02, bytes);
export const octets = (content: Buffer): Buffer => der(0x04, content);
export const text = (content: string): Buffer => der(0x0c, Buffer.from(content));
export const yes = (): Buffer => der(0x01, Buffer.from([0xff]));
export const objectId = (hex: string): Buffer => der(0x06, Buffer.from(hex, 'hex'));

export const bits = (content: Buffer, unused = 0): Buffer =>
  der(0x03, Buffer.from([unused]), content);

/** A field with a number instead of a type; `primitive` if it contains bytes, not further fields. */
export const tagged = (number: number, content: Buffer, primitive = false): Buffer =>
  der((primitive ? 0x80 : 0xa0) + number, content);

/** Correct until 2049: the format demands a year of two digits. */
export function time(date: Date): Buffer {
  const digits = date.toISOString().replace(/\D/g, '').slice(2, 14);
  return der(0x17, Buffer.from(`${digits}Z`));
}
