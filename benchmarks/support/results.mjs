/** Conditions of a benchmark, and where its results are written. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';

const RESULTS = fileURLToPath(new URL('../results/', import.meta.url));

/** The facts that figures depend on. */
export function conditions(how) {
  const machine = `${cpus().length} x ${cpus()[0].model.trim()}, Node ${process.versions.node}`;
  return { at: new Date().toISOString().slice(0, 10), machine, load: loadavg()[0], how };
}

export function writeResults(name, results) {
  mkdirSync(RESULTS, { recursive: true });
  writeFileSync(`${RESULTS}${name}.json`, `${JSON.stringify(results, null, 2)}\n`);
}

export function readResults(name) {
  return JSON.parse(readFileSync(`${RESULTS}${name}.json`, 'utf8'));
}

export function print(cells) {
  console.log(cells.join(' | '));
}

export function median(values) {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
}
