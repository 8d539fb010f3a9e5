import type { DataSource, QueryRunner } from 'typeorm';
import { MigrationExecutor } from 'typeorm';

/** The number of our lock among all advisory locks of a PostgreSQL database; any number will do. */
const LOCK = 7_203_315;

/**
 * Runs all pending migrations, or none of them. Instances that start at the same time wait for each other,
 * and only the first one runs any.
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

/** Begins a transaction with a lock. Both end with the process. */
async function begin(runner: QueryRunner): Promise<void> {
  if (runner.dataSource.driver.options.type === 'postgres') {
    await runner.query('BEGIN');
    await runner.query(`SELECT pg_advisory_xact_lock(${LOCK})`);
  } else {
    await runner.query('BEGIN IMMEDIATE');
  }
}
