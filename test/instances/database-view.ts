import { Pool } from 'pg';

import type { ShownUser } from '../chaos/user-history.js';
import { versionOf, type Watched } from './witness.js';

/** Time limit of a query: the database is frozen now and then. */
const PATIENCE_MS = 500;

/** Shows the oracle the database, on connections of its own. */
export class DatabaseView {
  readonly #pool: Pool;

  constructor(url: string) {
    this.#pool = new Pool({
      connectionString: url,
      max: 4,
      connectionTimeoutMillis: PATIENCE_MS,
      query_timeout: PATIENCE_MS,
    });
    this.#pool.on('error', () => undefined); // the next query fails as well
  }

  /** Returns the committed version of a user; `undefined` without the user, or without an answer. */
  async versionOf({ history }: Watched): Promise<number | undefined> {
    const rows = await this.#query('SELECT last_name FROM users WHERE id = $1', [history.id]).catch(
      () => [],
    );
    return rows[0] && versionOf({ lastName: rows[0].last_name });
  }

  /** All users, as the API would show them. */
  async allUsers(): Promise<Map<string, ShownUser>> {
    const rows = await this.#query('SELECT id, first_name, last_name, email FROM users');
    const users = rows.map(({ id, first_name: firstName, last_name: lastName, email }) => {
      return { id, firstName, lastName, email };
    });
    return new Map(users.map((user) => [user.id, user]));
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }

  async #query(sql: string, values: readonly unknown[] = []): Promise<UserRow[]> {
    const { rows } = await this.#pool.query<UserRow>(sql, [...values]);
    return rows;
  }
}

interface UserRow {
  readonly id: string;
  readonly first_name: string;
  readonly last_name: string;
  readonly email: string;
}
