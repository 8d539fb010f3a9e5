/** The value that interceptors around the cached part of a route see: the same on a hit as on the miss. */
import { classTransformerIfInstalled } from '../../peers/optional-peers.js';

/** The path to a date in a value: names of properties, and `0` for each item of a list. */
export type DatePath = readonly (string | 0)[];

/** A value as text. */
export interface SeenText {
  /** A string as it is, or JSON; an empty one is `undefined`. */
  readonly kind: 'text' | 'json';
  readonly text: string;
  readonly dates: readonly DatePath[];
}

/**
 * Notes the value of an observable, to show it to interceptors again. It must be one value that JSON can
 * keep: several values, or a stream, cannot be shown twice.
 *
 * @internal
 */
export class SeenValue {
  #emitted = 0;
  #value: unknown;
  /** The value as it was emitted, because interceptors may change it. */
  #text: string | undefined;

  note(value: unknown): void {
    this.#emitted++;
    this.#value = value;
    this.#text = this.#emitted === 1 ? jsonOf(value) : undefined;
  }

  /**
   * Makes the text of the value.
   *
   * @param body the body that was sent; equal JSON is not stored twice
   * @returns `undefined` if the value cannot be shown again
   */
  asText(body: string): SeenText | undefined {
    const value = this.#value;
    if (this.#text === undefined) return undefined;
    if (typeof value === 'string' && value === body) return { kind: 'text', text: body, dates: [] };
    const dates = datesIn(value);
    if (!dates) return undefined;
    const text = this.#text === body ? body : this.#withoutHidden(this.#text);
    return { kind: 'json', text, dates };
  }

  /** Properties that a class hides with `@Exclude` are not stored, wherever the serializer stands. */
  #withoutHidden(text: string): string {
    const transformer = classTransformerIfInstalled();
    if (!transformer) return text; // no class has an `@Exclude`
    const open = jsonOf(transformer.instanceToPlain(this.#value)) ?? '';
    return open === jsonOf(this.#value) ? text : open;
  }
}

/** Makes a new value for each request, because interceptors may change it. */
export function valueOf({ kind, text, dates }: SeenText): unknown {
  if (kind === 'text') return text;
  if (text === '') return undefined;
  return dates.reduce<unknown>((value, path) => withDates(value, path), JSON.parse(text));
}

/** @returns `undefined` for what JSON cannot keep: bytes, streams, circles, bigints */
function jsonOf(value: unknown): string | undefined {
  if (value === undefined) return '';
  if (!isPlainData(value)) return undefined;
  try {
    return JSON.stringify(value);
  } catch {
    return undefined;
  }
}

/** Whether a value is neither bytes nor a stream nor a file nor a `Response`. */
export function isPlainData(value: unknown): boolean {
  if (value === null || typeof value !== 'object') return typeof value !== 'function';
  if (value instanceof Error) return false;
  const { pipe, getReader, getStream, buffer } = value as Partial<Record<string, unknown>>;
  return (
    [pipe, getReader, getStream].every((method) => typeof method !== 'function') &&
    Object.prototype.toString.call(buffer) !== '[object ArrayBuffer]' &&
    Object.prototype.toString.call(value) !== '[object Response]'
  );
}

/**
 * Finds the paths to dates, each once, however many items a list has.
 *
 * @returns `undefined` if the value contains something that JSON loses
 */
function datesIn(value: unknown): DatePath[] | undefined {
  const paths = new Map<string, DatePath>();
  return collect(value, []) ? [...paths.values()] : undefined;

  function collect(part: unknown, path: DatePath): boolean {
    if (typeof part !== 'object' || part === null) return typeof part !== 'function';
    if (part instanceof Date) return paths.set(JSON.stringify(path), path).size > 0;
    if (Array.isArray(part)) return part.every((item: unknown) => collect(item, [...path, 0]));
    if (part instanceof Map || part instanceof Set || ArrayBuffer.isView(part)) return false;
    if ('toJSON' in part) return true;
    return Object.entries(part).every(([name, inner]) => collect(inner, [...path, name]));
  }
}

const ISO_DATE = /^(?:[+-]\d{6}|\d{4})-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** Some items of a list may have a date at this path, and others another text. */
function withDates(value: unknown, [step, ...rest]: DatePath): unknown {
  if (step === undefined) {
    return typeof value === 'string' && ISO_DATE.test(value) ? new Date(value) : value;
  }
  if (step === 0) {
    return Array.isArray(value) ? value.map((item: unknown) => withDates(item, rest)) : value;
  }
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return value;
  const owner = value as Record<string, unknown>;
  owner[step] = withDates(owner[step], rest);
  return owner;
}
