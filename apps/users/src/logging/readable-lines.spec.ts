import { describe, expect, it } from '@jest/globals';
import { pino } from 'pino';

import { readableLines } from './readable-lines.js';

/** The readable lines of a log, without colours and times. */
function written(log: (logger: pino.Logger) => void): string {
  let text = '';
  const write = (line: string): void => {
    text += line;
  };
  log(pino({ level: 'trace' }, readableLines({ write })));
  // eslint-disable-next-line no-control-regex -- colours
  return text.replace(/\u001b\[\d+m/g, '').replace(/^\[[\d:.]+\] /gm, '');
}

const req = { id: 'r1', method: 'GET', url: '/users/1?a=b', headers: { cookie: 'x' } };

describe('readableLines', () => {
  it('writes a request in one line', () => {
    const res = { statusCode: 409, headers: {} };

    const text = written((logger) => {
      logger.info({ req, res, responseTime: 12 }, 'request completed');
    });

    expect(text).toBe('INFO: GET /users/1?a=b 409 12 ms\n');
  });

  it('writes the context, the message, the fields and the request', () => {
    const text = written((logger) => {
      const failure = { context: 'Redis', connection: 'default', success: false, count: 3 };
      logger.child({ req }).warn({ ...failure, ids: [1] }, 'A cache operation failed in Redis');
    });

    expect(text).toBe(
      'WARN: Redis: A cache operation failed in Redis connection=default count=3 ids=[1] request="GET /users/1?a=b"\n',
    );
  });

  it("writes an error below its line, with the application's own frames", () => {
    const error = new TypeError('x is not a function');
    error.stack = [
      'TypeError: x is not a function',
      '    at UsersService.get (/app/apps/users/src/users/users.service.ts:40:12)',
      '    at translate (/app/libs/redis/src/errors/translate.ts:1:1)',
      '    at handle (/app/node_modules/@nestjs/core/router.js:1:1)',
      '    at process.processTicksAndRejections (node:internal/process/task_queues:95:5)',
    ].join('\n');

    const text = written((logger) => {
      logger.error({ context: 'ProblemFilter', err: error });
    });

    expect(text).toBe(
      [
        'ERROR: ProblemFilter: x is not a function',
        '    TypeError: x is not a function',
        '        at UsersService.get (/app/apps/users/src/users/users.service.ts:40:12)',
        '',
      ].join('\n'),
    );
  });

  it('writes the error in an object', () => {
    const text = written((logger) => {
      logger.warn({ error: 'Redis is away.', msg: 'A cache operation failed in Redis' });
    });

    expect(text).toBe('WARN: A cache operation failed in Redis\n    Redis is away.\n');
  });

  it.each([
    [{ msg: 42 }, 'INFO: 42\n'],
    [{ msg: { a: 1 }, context: { b: 2 } }, 'INFO: {"b":2}: {"a":1}\n'],
    [{ msg: 'x', error: { code: 'E' } }, 'INFO: x\n    {"code":"E"}\n'],
    [{ msg: 'x', err: 'a text' }, 'INFO: x\n    a text\n'],
    [{ msg: 'x', err: null, error: null, req: null, res: null }, 'INFO: x\n'],
    [{ msg: 'x', stack: ['a'] }, 'INFO: x\n    ["a"]\n'],
  ])('writes %j, because a line that cannot be written would fail its caller', (fields, text) => {
    const logged = written((logger) => {
      logger.info(fields);
    });

    expect(logged).toBe(text);
  });

  it('writes a field of several lines in one, so that it cannot be taken for another line', () => {
    const text = written((logger) => {
      logger.info({ key: 'a\nERROR: forged' }, 'x');
    });

    expect(text).toBe('INFO: x key="a\\nERROR: forged"\n');
  });

  it('removes characters that a terminal could take for a command', () => {
    const escape = '\u001b]0;owned\u0007\u009b2J';

    const text = written((logger) => {
      const fields = { context: 'Redis', key: escape, error: escape };
      logger.child({ req: { ...req, url: escape } }).warn(fields, escape);
    });

    // eslint-disable-next-line no-control-regex -- they must not be there
    expect(text).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/);
    expect(text).toContain('owned');
  });
});
