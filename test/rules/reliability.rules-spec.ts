/** The page about reliability has what the chaos run can do: every fault, and figures of it on every topology. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { FAULTS, faults } from '../chaos/faults.js';
import { TOPOLOGIES } from '../chaos/topologies/topology.js';

const lines = readFileSync('docs/guide/reliability.md', 'utf8').split('\n');
const rows = lines
  .filter((line) => line.startsWith('| '))
  .map((line) => line.split('|').map((cell) => cell.trim().replaceAll('`', '')));

describe('the page about reliability', () => {
  it.each(FAULTS)('says what happens in the fault %s', (fault) => {
    const described = rows.find(([, name, what]) => name === fault && what === faults[fault].what);
    expect(described).toBeDefined();
  });

  it('has figures of every fault on every topology that can have it, and of nothing else', () => {
    const expected = FAULTS.flatMap((fault) =>
      TOPOLOGIES.filter((topology) => faults[fault].on.includes(topology)).map(
        (topology) => `${fault} ${topology}`,
      ),
    );
    const measured = rows
      .filter(([, , topology = '']) => (TOPOLOGIES as readonly string[]).includes(topology))
      .map(([, fault, topology]) => `${fault} ${topology}`);
    expect(measured).toEqual(expected);
  });
});
