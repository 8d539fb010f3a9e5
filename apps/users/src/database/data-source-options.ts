import { Socket } from 'node:net';
import { dirname } from 'node:path';
import { mkdirSync } from 'node:fs';

import libsql from 'libsql';
import type { DataSourceOptions } from 'typeorm';

import type { DatabaseConfig } from '../config/database.config.js';
import { CreateUsers1764201600000 } from './migrations/create-users.js';

/** In the order in which they are run. */
const MIGRATIONS = [CreateUsers1764201600000];

/** A dead connection is noticed this much later than a slow statement. */
const SILENCE_AFTER_TIMEOUT_MS = 1_000;

/**
 * How long SQLite waits for another process that writes. The event loop is blocked while it waits, but
 * another process writes for less than a millisecond at a time.
 */
const LOCK_TIMEOUT_MS = 250;

/**
 * Makes TypeORM's options. TypeORM must not make tables by itself, and must not write a log, because its log
 * has statements and values.
 */
export function dataSourceOptions(config: DatabaseConfig): DataSourceOptions {
  const { target, poolSize, connectTimeoutMs, statementTimeoutMs } = config;
  const common = { migrations: MIGRATIONS, synchronize: false, logging: false } as const;
  if (target.kind === 'file') {
    return {
      ...common,
      type: 'better-sqlite3',
      driver: libsql, // the same interface; its binaries come with npm, and are not downloaded
      database: target.path,
      timeout: LOCK_TIMEOUT_MS,
      enableWAL: true, // readers of other processes do not wait for a writer
    };
  }
  const silenceMs = statementTimeoutMs + SILENCE_AFTER_TIMEOUT_MS;
  return {
    ...common,
    type: 'postgres',
    url: target.url,
    applicationName: 'users-api',
    poolSize,
    connectTimeoutMS: connectTimeoutMs,
    // A lost idle connection fails no statement: the next statement opens another connection.
    poolErrorHandler: () => undefined,
    extra: {
      statement_timeout: statementTimeoutMs,
      keepAlive: true,
      stream: () => impatientSocket(silenceMs),
    },
  };
}

/** Makes the folder of the database's file, for its owner alone, if there is none. */
export function prepareFolder({ target }: DatabaseConfig): void {
  if (target.kind !== 'file' || target.path === ':memory:') return;
  mkdirSync(dirname(target.path), { recursive: true, mode: 0o700 });
}

/**
 * Makes a socket that is destroyed if the server is silent for too long. A frozen server, or one behind a
 * network that lost the connection, never answers: a statement would wait for it, the pool would lend the
 * connection again, and an orderly stop would wait for its last reply.
 */
function impatientSocket(silenceMs: number): Socket {
  const socket = new Socket();
  socket.setTimeout(silenceMs, () => {
    socket.destroy(new Error(`no answer for ${silenceMs} ms`));
  });
  return socket;
}
