import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Makes the table of users. Both databases compare ids byte by byte, so that their order, which decides what
 * is on a page, is the same.
 */
export class CreateUsers1764201600000 implements MigrationInterface {
  /** TypeORM orders migrations by the number in their names. */
  readonly name = 'CreateUsers1764201600000';

  async up(runner: QueryRunner): Promise<void> {
    const isPostgres = runner.dataSource.driver.options.type === 'postgres';
    const [id, date] = isPostgres ? ['text COLLATE "C"', 'timestamptz(3)'] : ['text', 'text'];
    await runner.query(`
      CREATE TABLE users (
        id ${id} NOT NULL CONSTRAINT users_pkey PRIMARY KEY,
        first_name text NOT NULL,
        last_name text NOT NULL,
        email text NOT NULL,
        created_at ${date} NOT NULL,
        updated_at ${date} NOT NULL,
        version integer NOT NULL
      )`);
    await runner.query('CREATE UNIQUE INDEX users_email_key ON users (email)');
    await runner.query('CREATE INDEX users_created_at_id ON users (created_at, id)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE users');
  }
}
