import { setTimeout as sleep } from 'node:timers/promises';

import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { In, Repository } from 'typeorm';

import { Database } from '../../database/database.js';
import { UniqueViolationException } from '../../database/database.exceptions.js';
import {
  EmailTakenException,
  TooManyChangesException,
  UnacceptableValueException,
} from '../user.exceptions.js';
import { STORABLE_TEXT, STORABLE_TEXT_ACCEPTED, User } from '../user.js';
import type { PageOptions, UserPage } from '../user.repository.js';
import { UserRepository } from '../user.repository.js';
import { cursorOf, parseCursor } from './page-cursor.js';
import { columnsOf, userOf, UserRow } from './user.row.js';

/** How long a change is tried again while other changes are faster. */
const UPDATE_DEADLINE_MS = 5_000;

/** The longest pause before another attempt: longer than an attempt takes, so that they spread. */
const LONGEST_PAUSE_MS = 20;

/**
 * Stores users in a table of PostgreSQL or SQLite. Each method is one statement, except `update`, which reads
 * and then writes if nothing was changed meanwhile, and `save` of a user that exists.
 *
 * @throws DatabaseUnavailableException from every method, while the database cannot be reached
 */
@Injectable()
export class SqlUserRepository extends UserRepository {
  readonly #database: Database;
  readonly #rows: Repository<UserRow>;

  constructor(database: Database, @InjectRepository(UserRow) rows: Repository<UserRow>) {
    super();
    this.#database = database;
    this.#rows = rows;
  }

  async getById(id: string): Promise<User | null> {
    const row = await this.#find(id);
    return row && userOf(row);
  }

  async getAll(ids: readonly string[]): Promise<Map<string, User>> {
    const possible = ids.filter((id) => STORABLE_TEXT.test(id));
    if (possible.length === 0) return new Map();
    const rows = await this.#database.run(() => this.#rows.findBy({ id: In(possible) }));
    const byId = new Map(rows.map((row) => [row.id, row]));
    return new Map(
      possible.flatMap((id) => {
        const row = byId.get(id);
        return row ? [[id, userOf(row)]] : [];
      }),
    );
  }

  /** Reads a page, oldest users first. All pages cost the same, because an index finds them. */
  async page({ limit, cursor }: PageOptions): Promise<UserPage> {
    const end = cursor === undefined ? undefined : parseCursor(cursor);
    const rows = await this.#database.run(() => {
      const query = this.#rows
        .createQueryBuilder('user')
        .orderBy('user.createdAt')
        .addOrderBy('user.id')
        .limit(limit + 1); // one more tells whether there is a next page
      if (end) {
        query.where('(user.createdAt, user.id) > (:createdAt, :id)', {
          createdAt: end.createdAt.toISOString(),
          id: end.id,
        });
      }
      return query.getMany();
    });
    const users = rows.slice(0, limit).map(userOf);
    const last = users.at(-1);
    return { users, cursor: rows.length > limit && last ? cursorOf(last) : null };
  }

  async save(user: User): Promise<User> {
    const columns = acceptable(columnsOf(user));
    try {
      await this.#database.run(() => this.#rows.insert({ ...columns, version: 1 }));
      return user;
    } catch (error) {
      if (!(error instanceof UniqueViolationException)) throw error;
      const isReplaced = await this.#write({ id: user.id }, columns);
      if (isReplaced) return user;
      throw isAboutEmail(error) ? new EmailTakenException() : error;
    }
  }

  async update(id: string, change: (user: User) => Partial<User>): Promise<User | null> {
    const giveUpAt = performance.now() + UPDATE_DEADLINE_MS;
    for (;;) {
      const row = await this.#find(id);
      if (row === null) return null;
      const user = userOf(row);
      const changed = Object.assign(new User(), user, change(user));
      const { version } = row;
      if (await this.#write({ id, version }, acceptable(columnsOf(changed)))) return changed;
      if (performance.now() > giveUpAt) throw new TooManyChangesException();
      await sleep(Math.random() * LONGEST_PAUSE_MS);
    }
  }

  async delete(id: string): Promise<boolean> {
    if (!STORABLE_TEXT.test(id)) return false;
    const { affected } = await this.#database.run(() => this.#rows.delete({ id }));
    return affected === 1;
  }

  async #find(id: string): Promise<UserRow | null> {
    if (!STORABLE_TEXT.test(id)) return null;
    return this.#database.run(() => this.#rows.findOneBy({ id }));
  }

  /** @returns whether there was such a row */
  async #write(
    where: { readonly id: string; readonly version?: number },
    columns: ReturnType<typeof columnsOf>,
  ): Promise<boolean> {
    try {
      const { affected } = await this.#database.run(() =>
        this.#rows.update(where, { ...columns, version: () => 'version + 1' }),
      );
      return affected === 1;
    } catch (error) {
      throw isAboutEmail(error) ? new EmailTakenException() : error;
    }
  }
}

function isAboutEmail(error: unknown): boolean {
  return error instanceof UniqueViolationException && error.constraint.includes('email');
}

/** @throws UnacceptableValueException */
function acceptable<T extends object>(columns: T): T {
  for (const [property, value] of Object.entries(columns)) {
    if (typeof value === 'string' && !STORABLE_TEXT.test(value)) {
      throw new UnacceptableValueException(property, STORABLE_TEXT_ACCEPTED);
    }
  }
  return columns;
}
