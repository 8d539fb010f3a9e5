import { setTimeout as pause } from 'node:timers/promises';

import type { OnModuleDestroy, OnModuleInit } from '@nestjs/common';
import { Inject, Injectable, Logger } from '@nestjs/common';
import type { ConfigType } from '@nestjs/config';
import { DataSource } from 'typeorm';

import { databaseConfig } from '../config/database.config.js';
import { prepareFolder } from './data-source-options.js';
import { DatabaseUnavailableException } from './database.exceptions.js';
import { DatabaseStartException } from './database-start.exception.js';
import { migrate } from './migrate.js';
import { translateDatabaseError } from './translate-database-error.js';

/** The name of the metric that says whether the database answers. */
export const DATABASE_UP = 'database_up';

/** How long after a failed attempt to open the database the next one begins. */
const RETRY_MS = 1_000;

/** How long a probe waits for an answer. */
const PROBE_MS = 500;

/**
 * Opens the database, runs statements, and knows whether the database is there. If it is away at the start,
 * the application starts, and tries again until the database is there. A problem that waiting does not
 * solve, such as a wrong password, fails the start.
 */
@Injectable()
export class Database implements OnModuleInit, OnModuleDestroy {
  readonly #logger = new Logger(Database.name);
  readonly #source: DataSource;
  readonly #config: ConfigType<typeof databaseConfig>;
  /** Whether the tables are there and statements may be sent. */
  #isOpen = false;
  #isStopping = false;
  #attempt: Promise<void> = Promise.resolve();
  #retry: NodeJS.Timeout | undefined;
  /** Why the last statement could not be executed; `undefined` if it was executed. */
  #away: DatabaseUnavailableException | undefined;
  /** The time of that failure, by `performance.now()`. */
  #awayAt = 0;
  #failures = 0;
  /** Why the database refuses the application, as it was logged last. */
  #refusal: string | undefined;
  /** A running probe: further callers wait for its answer. */
  #probe: Promise<boolean> | undefined;

  constructor(
    source: DataSource,
    @Inject(databaseConfig.KEY) config: ConfigType<typeof databaseConfig>,
  ) {
    this.#source = source;
    this.#config = config;
  }

  /** The place of the database, for people, without credentials. */
  get description(): string {
    return this.#config.target.description;
  }

  /** @throws DatabaseStartException if waiting does not help */
  async onModuleInit(): Promise<void> {
    await this.#open();
  }

  async onModuleDestroy(): Promise<void> {
    this.#isStopping = true;
    clearTimeout(this.#retry);
    await this.#attempt.catch(() => undefined);
  }

  /**
   * Runs statements, and translates their failures.
   *
   * @throws DatabaseUnavailableException at once while the database has never been open
   * @throws UniqueViolationException
   * @throws DatabaseFailureException
   */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (!this.#isOpen) {
      throw new DatabaseUnavailableException(this.#away?.reason ?? 'it is being opened');
    }
    const askedAt = performance.now();
    try {
      const result = await work();
      this.#noteAnswer(askedAt);
      return result;
    } catch (error) {
      const failure = translateDatabaseError(error);
      if (!(failure instanceof DatabaseUnavailableException)) this.#noteAnswer(askedAt);
      else if (failure.isAway) this.#noteAbsence(failure);
      else this.#logger.warn({ msg: 'A statement was given up', reason: failure.reason });
      throw failure;
    }
  }

  /** Whether the database answers now, within half a second. Never rejects. */
  async answers(): Promise<boolean> {
    this.#probe ??= this.#ask().finally(() => {
      this.#probe = undefined;
    });
    const late = new AbortController();
    const deadline = pause(PROBE_MS, false, { signal: late.signal }).catch(() => false);
    try {
      return await Promise.race([this.#probe, deadline]);
    } finally {
      late.abort();
    }
  }

  #ask(): Promise<boolean> {
    return this.run(() => this.#source.query('SELECT 1')).then(
      () => true,
      () => false,
    );
  }

  async #open(): Promise<void> {
    this.#attempt = this.#connect();
    try {
      await this.#attempt;
      this.#isOpen = true;
      this.#noteAnswer(performance.now());
    } catch (error) {
      const failure = translateDatabaseError(error);
      if (!(failure instanceof DatabaseUnavailableException)) {
        throw new DatabaseStartException(this.description, failure);
      }
      this.#noteAbsence(failure);
      this.#retryLater();
    }
  }

  async #connect(): Promise<void> {
    prepareFolder(this.#config);
    try {
      await this.#source.initialize();
      await migrate(this.#source);
    } catch (error) {
      // A failure half-way leaves a pool open, and the next attempt makes another one.
      const close = this.#source.isInitialized
        ? this.#source.destroy()
        : this.#source.driver.disconnect();
      await close.catch(() => undefined);
      throw error;
    }
  }

  #retryLater(): void {
    if (this.#isStopping) return;
    this.#retry = setTimeout(() => {
      this.#open().catch((error: unknown) => {
        this.#noteRefusal(error as Error);
        this.#retryLater();
      });
    }, RETRY_MS);
  }

  /** Logs once that a database which was away at the start now refuses the application: an operator must act. */
  #noteRefusal({ message }: Error): void {
    if (message !== this.#refusal) this.#logger.error(message);
    this.#refusal = message;
  }

  /** Writes one line when the database goes away; a line for each request would flood the log. */
  #noteAbsence(failure: DatabaseUnavailableException): void {
    this.#failures++;
    if (this.#away === undefined) {
      const { code, reason } = failure;
      this.#logger.warn({ msg: 'The database is away', code, reason });
    }
    this.#away = failure;
    this.#awayAt = performance.now();
  }

  /**
   * Notes that the database has answered. A statement that was sent before the last failure does not count:
   * while all connections are in use, some statements are executed and others give up waiting.
   */
  #noteAnswer(askedAt: number): void {
    if (this.#away === undefined || askedAt < this.#awayAt) return;
    this.#logger.log({ msg: 'The database is back', failures: this.#failures });
    this.#away = undefined;
    this.#failures = 0;
  }
}
