import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { noteCopy } from './second-copy.js';

const COPIES = Symbol.for('nestjs-redis-data:copies');
const owner = globalThis as { [COPIES]?: unknown };

describe('a copy of the library', () => {
  const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
  let found: unknown;

  beforeEach(() => {
    found = owner[COPIES];
    delete owner[COPIES];
    warn.mockClear();
  });

  afterEach(() => {
    owner[COPIES] = found;
  });

  it('is silent alone, also if it is loaded again', () => {
    noteCopy('/a/redis.module.js:1');
    noteCopy('/a/redis.module.js:1');

    expect(warn).not.toHaveBeenCalled();
  });

  it('names both places if it is the second one', () => {
    noteCopy('/a/redis.module.js:1');
    noteCopy('/b/redis.module.js:1');

    expect(warn).toHaveBeenCalledTimes(1);
    const [message] = warn.mock.calls[0] ?? [];
    expect(message).toContain('/a/redis.module.js:1, /b/redis.module.js:1');
    expect(message).toContain('npm ls nestjs-redis-data');
  });

  it('finds its place itself', () => {
    noteCopy();

    const [place] = owner[COPIES] as Set<string>;
    expect(place).toMatch(/second-copy\.spec\.ts:\d+$/);
  });
});
