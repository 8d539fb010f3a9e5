import { faults } from './faults.js';
import type { ChaosRow } from './run-chaos.js';

/** One line for the terminal. */
export function lineOf(row: ChaosRow): string {
  const { fault, topology, violations } = row;
  const verdict = violations.length === 0 ? 'kept' : `BROKEN ${violations.length} times`;
  return `${topology} ${fault}: ${cellsOf(row).join(', ')}: ${verdict}`;
}

/** The table of docs/guide/reliability.md: the worst of all rounds for each fault and topology. */
export function tableOf(rows: readonly ChaosRow[]): string {
  const head = ['fault', 'topology', 'answers', 'refused', 'longest answer', 'recovery', 'lost'];
  const lines = Object.keys(faults).flatMap((fault) => {
    const ofFault = rows.filter((row) => row.fault === fault);
    const topologies = [...new Set(ofFault.map(({ topology }) => topology))].sort();
    return topologies.map((topology) => {
      const row = worstOf(ofFault.filter((one) => one.topology === topology));
      return [fault, topology, ...cellsOf(row)];
    });
  });
  return [head, head.map(() => '---'), ...lines]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');
}

function cellsOf({
  answers,
  lost,
  lostUntilMs,
  recoveryMs,
  refused,
  slowestMs,
}: ChaosRow): string[] {
  return [
    `${answers}`,
    `${refused}`,
    `${Math.round(slowestMs)} ms`,
    `${Math.round(recoveryMs)} ms`,
    lostUntilMs === undefined ? '0' : `${lost}, the last ${Math.round(lostUntilMs)} ms after`,
  ];
}

function worstOf(rows: readonly ChaosRow[]): ChaosRow {
  const most = (figure: 'slowestMs' | 'recoveryMs'): number =>
    Math.max(...rows.map((row) => row[figure]));
  const sum = (figure: 'answers' | 'refused' | 'lost'): number =>
    rows.reduce((total, row) => total + row[figure], 0);
  const lostUntil = rows.flatMap(({ lostUntilMs = -Infinity }) => lostUntilMs);
  const latest = Math.max(...lostUntil);
  return {
    ...(rows[0] as ChaosRow),
    answers: sum('answers'),
    refused: sum('refused'),
    lost: sum('lost'),
    lostUntilMs: latest === -Infinity ? undefined : latest,
    slowestMs: most('slowestMs'),
    recoveryMs: most('recoveryMs'),
  };
}
