/** Databases of test files, in a PostgreSQL that they share or have to themselves. */
import { randomUUID } from 'node:crypto';

import { Client } from 'pg';

import { startPostgres, type PostgresTestServer } from './postgres.js';

/** A database that nothing else uses. */
export interface TestDatabase {
  readonly url: string;
  /** Runs one statement. */
  query<Row extends object>(sql: string, values?: readonly unknown[]): Promise<Row[]>;
  close(): Promise<void>;
}

/**
 * An empty database.
 *
 * @param on a server that the test may harm, instead of the shared one
 */
export async function openDatabase(on?: PostgresTestServer): Promise<TestDatabase> {
  const shared = on?.url ?? process.env['SHARED_POSTGRES'];
  const server = shared === undefined ? await startPostgres() : undefined;
  const serverUrl = server?.url ?? String(shared);
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  await queryOnce(serverUrl, `CREATE DATABASE ${name}`);
  const url = serverUrl.replace(/\/postgres$/, `/${name}`);
  return {
    url,
    query: (sql, values) => queryOnce(url, sql, values),
    close: async () => {
      if (server) await server.stop();
      else await queryOnce(serverUrl, `DROP DATABASE ${name} WITH (FORCE)`);
    },
  };
}

/** Runs one statement on a connection of its own. */
export async function queryOnce<Row extends object>(
  url: string,
  sql: string,
  values: readonly unknown[] = [],
): Promise<Row[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<Row>(sql, [...values]);
    return rows;
  } finally {
    await client.end();
  }
}
