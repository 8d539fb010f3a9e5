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

const failing = (code: string) => Promise.reject(Object.assign(new Error(code), { code }));

describe('the log of Database', () => {
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

  it('has one line while some statements fail, and others that were asked before are answered', async () => {
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

  it('says once that a database which came back refuses the application, however often it is tried', async () => {
    jest.useFakeTimers();
    const initialize = jest
      .fn<() => Promise<never>>()
      .mockImplementationOnce(() => failing('ECONNREFUSED'))
      .mockImplementation(() => failing('28P01'));
    const driver = { disconnect: () => Promise.resolve() };
    const source = { initialize, isInitialized: false, driver } as unknown as DataSource;
    const database = new Database(source, CONFIG);

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
