import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { DataSource } from 'typeorm';

import type { DatabaseConfig } from '../config/database.config.js';
import { dataSourceOptions } from './data-source-options.js';
import { Database } from './database.js';

const CONFIG: DatabaseConfig = {
  target: { kind: 'file', path: ':memory:', description: 'A database of this test' },
  poolSize: 1,
  connectTimeoutMs: 1_000,
  statementTimeoutMs: 1_000,
};

const failing = (code: string): Promise<never> =>
  Promise.reject(Object.assign(new Error(code), { code }));

/** A TypeORM that is not connected yet. */
function closedSource(initialize: () => Promise<never>): DataSource {
  const driver = { disconnect: () => Promise.resolve() };
  return { initialize, isInitialized: false, driver } as unknown as DataSource;
}

describe('Database', () => {
  let lines: string[];

  beforeEach(() => {
    lines = [];
    const note = (line: unknown): void => {
      lines.push(typeof line === 'string' ? line : (line as { readonly msg: string }).msg);
    };
    jest.spyOn(Logger.prototype, 'log').mockImplementation(note);
    jest.spyOn(Logger.prototype, 'warn').mockImplementation(note);
    jest.spyOn(Logger.prototype, 'error').mockImplementation(note);
  });

  afterEach(() => {
    jest.useRealTimers();
    jest.restoreAllMocks();
  });

  it('gives each statement an exception of its own while it has not been open', async () => {
    jest.useFakeTimers();
    const database = new Database(
      closedSource(() => failing('ECONNREFUSED')),
      CONFIG,
    );
    await database.onModuleInit();

    const ask = () => database.run(() => Promise.resolve()).catch((error: unknown) => error);
    const [one, other] = [await ask(), await ask()];
    await database.onModuleDestroy();

    expect(one).toMatchObject({ code: 'DATABASE_UNAVAILABLE', reason: 'ECONNREFUSED' });
    expect(other).toMatchObject({ reason: 'ECONNREFUSED' });
    expect(other).not.toBe(one);
  });

  it('writes one line while some statements fail, and others that were asked before are answered', async () => {
    const source = new DataSource(dataSourceOptions(CONFIG));
    const database = new Database(source, CONFIG);
    await database.onModuleInit();
    const answers: (() => void)[] = [];
    const waiting = Array.from({ length: 3 }, () =>
      database.run(() => new Promise<void>((resolve) => answers.push(resolve))),
    );

    for (const answer of answers) {
      await expect(database.run(() => failing('ECONNRESET'))).rejects.toThrow('ECONNRESET');
      answer();
    }
    await Promise.all(waiting);
    expect(lines).toEqual(['The database is away']);

    await database.run(() => Promise.resolve());
    expect(lines).toEqual(['The database is away', 'The database is back']);
    await source.destroy();
  });

  it('logs once that a database which came back refuses the application, however often it is tried', async () => {
    jest.useFakeTimers();
    const initialize = jest
      .fn<() => Promise<never>>()
      .mockImplementationOnce(() => failing('ECONNREFUSED'))
      .mockImplementation(() => failing('28P01'));
    const database = new Database(closedSource(initialize), CONFIG);

    await database.onModuleInit();
    await jest.advanceTimersByTimeAsync(10_000);
    await database.onModuleDestroy();

    expect(initialize.mock.calls.length).toBeGreaterThan(5);
    expect(lines).toEqual([
      'The database is away',
      expect.stringMatching(/^A database of this test cannot be used: it refuses the user/),
    ]);
  });
});
