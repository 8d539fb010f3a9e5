/** Draws how cost grows: both axes are logarithmic. */
import { OTHERS, OURS, text, WIDTH, writePicture } from './svg.mjs';

const CHART = { left: 60, right: 40, height: 150, head: 30, foot: 48 };
const COLOURS = [OTHERS, OURS, '#3fb950'];

/** @param charts `{ title, what, rows: [{ [what], name, cpuUs }] }`, one below the other */
export function drawGrowth(name, charts) {
  const tall = CHART.head + CHART.height + CHART.foot;
  const drawn = charts.map(
    (chart, i) => `<g transform="translate(0 ${i * tall})">${draw(chart)}</g>`,
  );
  writePicture(name, 'How the CPU time of a hit grows', charts.length * tall, drawn);
}

function draw({ title, what, rows }) {
  const amounts = [...new Set(rows.map((row) => row[what]))];
  const names = [...new Set(rows.map((row) => row.name))];
  const costs = rows.map(({ cpuUs }) => Math.log10(cpuUs));
  const low = Math.floor(Math.min(...costs));
  const high = Math.ceil(Math.max(...costs));
  const step = (WIDTH - CHART.left - CHART.right) / (amounts.length - 1);
  const x = (amount) => CHART.left + amounts.indexOf(amount) * step;
  const y = (log) => CHART.head + CHART.height * (1 - (log - low) / (high - low));
  const decades = Array.from({ length: high - low + 1 }, (_, i) => low + i);
  return [
    text(0, 14, title, { size: 13, weight: 600 }),
    ...decades.map(
      (log) =>
        `<line x1="${CHART.left}" x2="${WIDTH - CHART.right}" y1="${round(y(log))}" y2="${round(y(log))}" stroke="#8b949e" stroke-opacity="0.3"/>` +
        text(CHART.left - 6, y(log) + 4, `${Number(10 ** log)} µs`, { size: 11, anchor: 'end' }),
    ),
    ...amounts.map((amount) =>
      text(x(amount), y(low) + 15, amount.toLocaleString('en-US'), { size: 11, anchor: 'middle' }),
    ),
    ...names.map((name, i) => {
      const points = rows.filter((row) => row.name === name);
      const line = points.map((row) => `${round(x(row[what]))},${round(y(Math.log10(row.cpuUs)))}`);
      return `<polyline points="${line.join(' ')}" fill="none" stroke="${COLOURS[i]}" stroke-width="2"/>`;
    }),
    ...names.map((name, i) => {
      const left = CHART.left + i * 210;
      const top = y(low) + 22;
      return `<rect x="${left}" y="${round(top)}" width="9" height="9" fill="${COLOURS[i]}"/>${text(left + 14, top + 8, name, { size: 11 })}`;
    }),
  ].join('\n');
}

function round(value) {
  return Math.round(value * 10) / 10;
}
