import { execFileSync } from 'node:child_process';
import { describe, expect, it } from '@jest/globals';
import { msgpackSerializer } from 'nestjs-redis-data/msgpack';

/** Runs a program outside of Jest's sandbox, whose typed arrays are from two realms. */
function run(program: string, { args = [], flags = [] }: Record<string, string[]> = {}): string {
  const hook = "require('./test/support/typescript-hook.cjs');";
  const all = [...flags, '-e', hook + program, ...args];
  return execFileSync(process.execPath, all, { encoding: 'utf8' });
}

describe('msgpackSerializer', () => {
  it('keeps typed arrays of every kind, and gives each reader its own memory', () => {
    const printed = run(`
      const { deepStrictEqual } = require('node:assert');
      const { msgpackSerializer } = require('./libs/redis/src/msgpack/index.ts');
      const values = [
        new Int8Array([1, -128]), new Uint8Array([1, 255]), new Uint8ClampedArray([1, 255]),
        new Int16Array([1, -32768]), new Uint16Array(new Uint16Array([1, 2, 3, 4]).buffer, 2, 2),
        new Int32Array([1, -(2 ** 31)]), new Uint32Array([1, 2 ** 32 - 1]),
        new Float32Array([1.5, NaN]), new Float64Array([0.1, -Infinity]),
        new BigInt64Array([1n, -(2n ** 63n)]), new BigUint64Array([1n, 2n ** 64n - 1n]),
        Buffer.of(1, 255), new DataView(new Uint8Array([1, 2, 255]).buffer),
      ];
      const body = msgpackSerializer.serialize(values, 'k');
      const all = msgpackSerializer.deserialize(body, 'k');
      deepStrictEqual(all, values);
      process.stdout.write(String(all.filter(({ buffer }) => buffer === body.buffer).length));`);
    expect(printed).toBe('0');
  });

  it('writes values that any other process can read, whatever either has read or written before', () => {
    const rows = Array.from({ length: 5 }, (_, id) => ({ id, at: new Date(id) }));
    const pack = () => Buffer.from(msgpackSerializer.serialize(rows, 'k')).toString('base64');
    const [first, second] = [pack(), pack()];
    expect(second).toBe(first);
    const printed = run(
      `const { msgpackSerializer } = require('./libs/redis/src/msgpack/index.ts');
      const body = Buffer.from(process.argv[1], 'base64');
      process.stdout.write(JSON.stringify(msgpackSerializer.deserialize(body, 'k')));`,
      { args: [second] },
    );
    expect(printed).toBe(JSON.stringify(rows));
  });

  it('works in a process that forbids eval', () => {
    const program = `
      const { msgpackSerializer } = require('./libs/redis/src/msgpack/index.ts');
      const rows = Array.from({ length: 9 }, (_, id) => ({ id }));
      const body = msgpackSerializer.serialize(rows, 'k');
      process.stdout.write(String(msgpackSerializer.deserialize(body, 'k').length));`;
    expect(run(program, { flags: ['--disallow-code-generation-from-strings'] })).toBe('9');
  });
});
