/** Lines in the loggers that people use: Nest's own, as text and as JSON, and nestjs-pino. */
import { Writable } from 'node:stream';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { ConsoleLogger, Logger, type ConsoleLoggerOptions } from '@nestjs/common';
import { Logger as NestPinoLogger, PinoLogger } from 'nestjs-pino';
import { LineLogger } from './log-line.js';

const FAILED = {
  msg: 'A Redis command failed',
  connection: 'default',
  operation: 'lpush',
  key: 'user:app:production:*',
  success: false,
  duration_ms: 0.412,
  error: 'Redis rejected lpush on "user:app:production:*" with WRONGTYPE.',
  code: 'REDIS_COMMAND',
  reply: 'WRONGTYPE Operation against a key holding the wrong kind of value',
  stack:
    'RedisCommandException: Redis rejected lpush on "user:app:production:*" with WRONGTYPE.\n' +
    '    at translateError (translate-error.js:10:1)',
  held_back: 3,
};

const AS_TEXT = [
  'A Redis command failed connection=default operation=lpush key=user:app:production:* ' +
    'duration_ms=0.412 code=REDIS_COMMAND ' +
    'reply="WRONGTYPE Operation against a key holding the wrong kind of value" held_back=3',
  '    RedisCommandException: Redis rejected lpush on "user:app:production:*" with WRONGTYPE.',
  '        at translateError (translate-error.js:10:1)',
].join('\n');

let written = '';
beforeEach(() => {
  written = '';
  for (const stream of [process.stdout, process.stderr]) {
    jest.spyOn(stream, 'write').mockImplementation((text) => {
      written += String(text);
      return true;
    });
  }
});
afterEach(() => {
  jest.restoreAllMocks();
  Logger.detachBuffer();
  Logger.overrideLogger(new ConsoleLogger());
});

/** Writes a line to Nest's logger, which hands it to a logger with these options. */
function write(fields: Parameters<LineLogger['error']>[0], options: ConsoleLoggerOptions): string {
  Logger.overrideLogger(new ConsoleLogger(options));
  new LineLogger(new Logger('Redis')).error(fields);
  return written;
}

describe("A line in Nest's own logger", () => {
  it('is a text without any configuration', () => {
    // First of all, because a replaced logger is never the default again.
    new LineLogger(new Logger('Redis')).log({ msg: 'Redis connection ready', endpoint: 'h:1' });
    expect(written).toContain('Redis connection ready endpoint=h:1\n');
    expect(written).not.toContain('Object(');
  });

  it('is a text with its facts in one line, and the stack below', () => {
    expect(write(FAILED, { colors: false })).toMatch(/^\[Nest\] \d+ .* ERROR \[Redis\] A Redis/);
    expect(written.slice(written.indexOf('A Redis'))).toBe(`${AS_TEXT}\n`);
  });

  it('is a text with colors, whatever the depth', () => {
    for (const depth of [0, 5, Infinity]) {
      expect(write(FAILED, { colors: true, depth })).toContain(AS_TEXT);
    }
  });

  it('is written by the logger that is used when the buffer is flushed', () => {
    Logger.attachBuffer();
    const logger = new LineLogger(new Logger('Redis'));
    logger.log(FAILED);
    logger.warn(FAILED);
    expect(written).toBe('');
    Logger.overrideLogger(new ConsoleLogger({ colors: false }));
    Logger.flush();
    expect(written.split(AS_TEXT)).toHaveLength(3);
  });

  it('has an error without a stack below, and one that its stack does not tell', () => {
    const line = { msg: 'A cache operation failed', error: 'No connection' };
    expect(write(line, {})).toContain('A cache operation failed\n    No connection\n');
    expect(write({ ...line, stack: 'Error: old\n    at x' }, {})).toContain(
      'A cache operation failed\n    No connection\n    Error: old\n        at x\n',
    );
  });

  it('cannot be continued by a value, which may have line ends, quotes or commands of a terminal', () => {
    const line = { msg: 'm', reply: 'a\n[Nest] forged', node: 'b c=d', key: '"', code: '\u009b2J' };
    expect(write(line, {})).toContain(
      'm reply="a\\n[Nest] forged" node="b c=d" key="\\"" code=2J\n',
    );
    expect(write({ msg: 'm', error: 'a\n\u001b[2Jforged' }, {})).toContain(
      'm\n    a\n    [2Jforged\n',
    );
  });

  it('leaves out what is undefined, and writes numbers and flags', () => {
    expect(write({ msg: 'm', code: undefined, count: 2, reused: true, key: '' }, {})).toContain(
      'm count=2 reused=true key=""\n',
    );
  });

  it('has the fields of a plain object in JSON', () => {
    expect(JSON.parse(write(FAILED, { json: true }))).toMatchObject({
      level: 'error',
      context: 'Redis',
      message: FAILED,
    });
    expect(Object.keys((JSON.parse(written) as { message: object }).message)).toEqual(
      Object.keys(FAILED),
    );
  });

  it.each([{ colors: true }, { compact: false }])('is an object in JSON with %j', (options) => {
    const colors = options.colors ?? false;
    const [, shown = ''] = write(FAILED, { json: true, ...options }).split('message: ');
    const own = inspect({ message: FAILED }, { colors, compact: colors, breakLength: Infinity });
    expect(flat(shown)).toContain(flat(own.split('message: ')[1]?.replace(/ }$|\n}$/, '') ?? ''));
  });

  it('can be redacted', () => {
    expect(write(FAILED, { colors: false, redact: ['key'] })).toContain('key=[REDACTED]');
  });
});

function flat(text: string): string {
  return text.replaceAll(/\s+/g, ' ');
}

describe('A line in other loggers', () => {
  it('is in nestjs-pino what a plain object is', () => {
    const texts: string[] = [];
    const stream = new Writable({
      write(chunk, _, done) {
        texts.push(String(chunk));
        done();
      },
    });
    const pino = new PinoLogger({ pinoHttp: [{ base: null, timestamp: false }, stream] });
    Logger.overrideLogger(new NestPinoLogger(pino, {}));
    new LineLogger(new Logger('Redis')).error(FAILED);
    new Logger('Redis').error(FAILED);
    expect(texts[0]).toBe(texts[1]);
    expect(Object.keys(JSON.parse(texts[0] ?? '') as object)).toEqual([
      'level',
      'context',
      ...Object.keys(FAILED),
    ]);
  });

  it('is the text in a logger that makes a text of what it gets', () => {
    const log = jest.fn<(line: unknown) => void>();
    new LineLogger({ log } as unknown as Logger).log(FAILED);
    expect(String(log.mock.calls[0]?.[0])).toBe(AS_TEXT);
  });
});
