/**
 * A process of its own that boots an application and then has nothing more to do. Prints what became of
 * the boot, as one JSON line; ends by itself unless something is left that keeps it alive.
 *
 * Usage: `node boot-in-child.cjs <scenario> <options of the connection as JSON>`
 */
require('reflect-metadata');
require('../../../../../test/support/typescript-hook.cjs');
const { SCENARIOS } = require('./boot-scenarios.ts');

const [scenario, options] = process.argv.slice(2);
const say = (what) => process.stdout.write(`${JSON.stringify(what)}\n`);

process.on('exit', (code) => say({ exited: code }));
SCENARIOS[scenario](JSON.parse(options)).then(
  (result) => say({ booted: result }),
  (error) => say({ failed: error.message }),
);
