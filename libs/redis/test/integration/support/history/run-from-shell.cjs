/** Reads are reported as often as there were so many more. */
const REPORTED = 100_000;

/** How many violations are printed, with their events. */
const MOST_PRINTED = 10;

/**
 * Runs a history for a person at a shell: prints its progress and what came of it. Exits 1 if anything was
 * seen that is promised not to happen.
 *
 * @param seed what repeats it
 * @param run is given `onProgress`, and returns the outcome
 */
exports.runFromShell = async (seed, run) => {
  let reported = 0;
  const onProgress = (reads) => {
    if (reads - reported < REPORTED) return;
    reported = reads;
    console.log(`${reads} reads`);
  };
  const { figures, kills, faults, violations, seconds } = await run(onProgress);
  console.table({ ...figures, violations: violations.length, seconds: Math.round(seconds) });
  if (kills) console.table(kills);
  console.table(faults);
  for (const violation of violations.slice(0, MOST_PRINTED)) {
    console.log(`VIOLATION (seed ${seed}) ${violation.key}: ${violation.what}`);
    for (const event of violation.events) console.log(`  ${event}`);
  }
  process.exitCode = violations.length > 0 ? 1 : 0;
};
