const { POSTGRES, PROMETHEUS, REAL_REDIS } = require('./remedies.cjs');

/**
 * Reports at the end how many tests were skipped because a program is missing, and what to do. With
 * REQUIRE_REAL_REDIS=1 any skipped test fails the run, so that CI runs all tests.
 */
module.exports = class SkipReporter {
  #isStrict;
  #error;

  constructor(globalConfig) {
    // With -t all other tests count as skipped, on purpose.
    const isFiltered = Boolean(globalConfig.testNamePattern);
    this.#isStrict = process.env.REQUIRE_REAL_REDIS === '1' && !isFiltered;
  }

  onRunComplete(_contexts, { testResults }) {
    const tests = testResults.flatMap((file) => file.testResults);
    const skipped = tests.filter(({ status }) => status === 'pending');
    for (const { name, mark, variable, remedy } of [REAL_REDIS, POSTGRES, PROMETHEUS]) {
      const forLackOfIt = skipped.filter(({ ancestorTitles }) =>
        ancestorTitles.some((title) => title.includes(mark)),
      );
      if (forLackOfIt.length > 0 && process.env[variable] === 'no') {
        print(`SKIPPED ${forLackOfIt.length} tests that need ${name}.\n${remedy}`);
      }
    }
    if (this.#isStrict && skipped.length > 0) {
      const names = skipped.map(({ fullName }) => `  ${fullName}`).join('\n');
      this.#error = new Error(`REQUIRE_REAL_REDIS=1 forbids skipped tests:\n${names}`);
      print(this.#error.message);
    }
  }

  getLastError() {
    return this.#error;
  }
};

function print(text) {
  const line = '='.repeat(72);
  process.stderr.write(`\n${line}\n${text}\n${line}\n`);
}
