import { FAULTS, faults } from './faults.js';
import type { ChaosRow } from './run-chaos.js';
import { TOPOLOGIES } from './topologies/topology.js';

const COLUMNS = [
  'fault',
  'topology',
  'answers',
  'refused',
  'lost',
  'longest answer',
  'recovery',
  'longest read of others',
] as const;

/** One line for the terminal. */
export function lineOf(row: ChaosRow): string {
  const { violations } = row;
  const figures = cellsOf(row).map((cell, n) => (cell === '' ? '' : `, ${COLUMNS[n]} ${cell}`));
  const verdict = violations.length === 0 ? 'kept' : `BROKEN ${violations.length} times`;
  return `${verdict}${figures.join('')}`;
}

/** The table of docs/guide/reliability.md: all rounds together, with the worst of each. */
export function tableOf(rows: readonly ChaosRow[]): string {
  const lines = FAULTS.flatMap((fault) =>
    TOPOLOGIES.map((topology) =>
      rows.filter((row) => row.fault === fault && row.topology === topology),
    ),
  )
    .filter((rounds) => rounds.length > 0)
    .map((rounds) => cellsOf(rounds.reduce(worse)));
  return [COLUMNS, COLUMNS.map(() => '---'), ...lines]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');
}

function cellsOf(row: ChaosRow): string[] {
  const { lost, lostUntilMs, othersSlowestMs } = row;
  const isRecent = faults[row.fault].loses(row.topology) === 'recent';
  const until = isRecent && lostUntilMs !== undefined ? `, until ${inSeconds(lostUntilMs)}` : '';
  return [
    row.fault,
    row.topology,
    String(row.answers),
    String(row.refused),
    `${lost}${until}`,
    inSeconds(row.slowestMs),
    inSeconds(row.recoveryMs),
    othersSlowestMs === undefined ? '' : inSeconds(othersSlowestMs),
  ];
}

function inSeconds(ms: number): string {
  return `${(ms / 1_000).toFixed(2)} s`;
}

function worse(one: ChaosRow, other: ChaosRow): ChaosRow {
  return {
    ...one,
    answers: one.answers + other.answers,
    refused: one.refused + other.refused,
    lost: one.lost + other.lost,
    lostUntilMs: later(one.lostUntilMs, other.lostUntilMs),
    slowestMs: Math.max(one.slowestMs, other.slowestMs),
    recoveryMs: Math.max(one.recoveryMs, other.recoveryMs),
    othersSlowestMs: later(one.othersSlowestMs, other.othersSlowestMs),
    violations: [...one.violations, ...other.violations],
  };
}

function later(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? (one ?? other) : Math.max(one, other);
}
