import { inspect, type InspectOptions } from 'node:util';
import type { Logger } from '@nestjs/common';

/** The fields of a line, which are safe to log. */
export interface LogFields {
  readonly msg: string;
  readonly error?: string | undefined;
  readonly stack?: string | undefined;
  readonly [field: string]: unknown;
}

/** Writes lines to a logger of Nest. */
export class LineLogger {
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  log(fields: LogFields): void {
    this.#logger.log(new LogLine(fields));
  }

  warn(fields: LogFields): void {
    this.#logger.warn(new LogLine(fields));
  }

  error(fields: LogFields): void {
    this.#logger.error(new LogLine(fields));
  }

  debug(fields: LogFields): void {
    this.#logger.debug(new LogLine(fields));
  }
}

/**
 * Is an object with the fields for a logger that writes objects, such as nestjs-pino, and a text for a
 * logger that writes texts, such as Nest's own. The logger decides when it writes, so the line is right with
 * `bufferLogs` and `useLogger`, too. Nest's logger would write a plain object as `Object(9) {...}`.
 */
class LogLine {
  constructor(fields: LogFields) {
    Object.assign(this, fields);
  }

  /** Inside another object, as in colored JSON of Nest, the line is inspected like a plain object. */
  [inspect.custom](depth: number | null, options: InspectOptions): string {
    const isInside = depth !== null && depth < (options.depth ?? 0);
    return isInside ? inspect(fieldsOf(this), { ...options, depth }) : String(this);
  }

  toString(): string {
    return textOf(fieldsOf(this));
  }
}

/** Nest's `redact` copies a line with its prototype, so its methods cannot have private members. */
function fieldsOf(line: LogLine): LogFields {
  return Object.fromEntries(Object.entries(line)) as unknown as LogFields;
}

/** Fields that are not written as `name=value`: the level of a line tells whether its work succeeded. */
const APART: ReadonlySet<string> = new Set(['msg', 'error', 'stack', 'success']);

/** Writes the message with its facts in one line, and an error or its stack, indented, below. */
function textOf(fields: LogFields): string {
  const facts = Object.entries(fields)
    .filter(([name, value]) => value !== undefined && !APART.has(name))
    .map(([name, value]) => `${name}=${inOneWord(value)}`);
  return [printable(fields.msg), ...facts].join(' ') + failureText(fields);
}

function failureText({ error = '', stack = '' }: LogFields): string {
  const words = [stack.includes(error) ? '' : error, stack].filter(Boolean);
  if (words.length === 0) return '';
  return printable(`\n${words.join('\n')}`).replaceAll('\n', '\n    ');
}

/** A value with spaces or line ends is quoted: it could be taken for further facts, or another line. */
function inOneWord(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return printable(/^[^\s"=]+$/.test(text) ? text : JSON.stringify(value));
}

/** Characters that a terminal could take for a command; tabs and line ends are not among them. */
// eslint-disable-next-line no-control-regex -- the expression looks for them
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

function printable(text: string): string {
  return text.replace(CONTROL, '');
}
