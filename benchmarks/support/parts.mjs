/** Runs the parts of a benchmark that the command line names, or all of them, one after the other. */
export async function runParts(parts) {
  const named = process.argv.slice(2);
  for (const [name, run] of Object.entries(parts)) {
    if (named.length === 0 || named.includes(name)) await run();
  }
}
