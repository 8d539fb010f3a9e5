import type { DataSource, QueryRunner } from 'typeorm';
import { MigrationExecutor } from 'typeorm';

/** Names the lock among all advisory locks of a database of PostgreSQL; any number does. */
const LOCK = 7_203_315;

/**
 * Runs the migrations that have not been run, all of them or none. Instances that start at the same time
 * wait for each other, and only the first one finds anything to do.
 */
export async function migrate(dataSource: DataSource): Promise<void> {
  const runner = dataSource.createQueryRunner();
  try {
    await begin(runner);
    try {
      const executor = new MigrationExecutor(dataSource, runner);
      executor.transaction = 'none'; // they run in ours
      await executor.executePendingMigrations();
      await runner.query('COMMIT');
    } catch (error) {
      await runner.query('ROLLBACK').catch(() => undefined); // the connection may be the failure
      throw error;
    }
  } finally {
    await runner.release();
  }
}

/** The lock ends with the transaction, and the transaction with the process. */
async function begin(runner: QueryRunner): Promise<void> {
  if (runner.dataSource.driver.options.type === 'postgres') {
    await runner.query('BEGIN');
    await runner.query(`SELECT pg_advisory_xact_lock(${LOCK})`);
  } else {
    await runner.query('BEGIN IMMEDIATE');
  }
}
