/**
 * Part of Jest's global set-up: finds the programs of PostgreSQL once, for all workers.
 *
 * Sets REAL_POSTGRES to `yes` or `no` (see describe-with-postgres.ts), and POSTGRES_BIN to the folder of
 * the programs. With REQUIRE_REAL_REDIS=1, as in CI, a machine without them fails the run here.
 */
const { spawnSync } = require('node:child_process');
const { existsSync, readdirSync } = require('node:fs');
const { delimiter, join } = require('node:path');
const { POSTGRES } = require('./remedies.cjs');

/** Debian keeps the programs of each version in a folder of its own, and off the PATH. */
const DEBIAN = '/usr/lib/postgresql';

module.exports = function findPostgres() {
  const folder = candidates().find((candidate) =>
    ['initdb', 'postgres'].every(
      (program) =>
        spawnSync(join(candidate, program), ['--version'], { stdio: 'ignore' }).status === 0,
    ),
  );
  process.env[POSTGRES.variable] = folder === undefined ? 'no' : 'yes';
  if (folder !== undefined) process.env.POSTGRES_BIN = folder;
  else if (process.env.REQUIRE_REAL_REDIS === '1') {
    throw new Error(`REQUIRE_REAL_REDIS=1, but there is no PostgreSQL.\n${POSTGRES.remedy}`);
  }
};

function candidates() {
  const { POSTGRES_BIN, PATH = '' } = process.env;
  if (POSTGRES_BIN) return [POSTGRES_BIN];
  const versions = existsSync(DEBIAN) ? readdirSync(DEBIAN) : [];
  const newestFirst = versions.sort((a, b) => Number(b) - Number(a));
  return [
    ...newestFirst.map((version) => join(DEBIAN, version, 'bin')),
    ...PATH.split(delimiter).filter(Boolean),
  ];
}
