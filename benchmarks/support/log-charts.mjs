/**
 * Draws how cost grows, as SVG without scripts and fonts: both axes are logarithmic. The charts are
 * transparent, and their colours can be read on a light and on a dark page.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { print } from './results.mjs';

const IMAGES = fileURLToPath(new URL('../../docs/guide/images/', import.meta.url));
const WIDTH = 720;
const CHART = { left: 60, right: 20, height: 150, head: 30, foot: 34 };
const COLOURS = ['#8b949e', '#2f81f7', '#3fb950'];

/** @param charts `{ title, what, rows: [{ [what], name, cpuUs }] }`, one below the other */
export function drawGrowth(name, charts) {
  mkdirSync(IMAGES, { recursive: true });
  const tall = CHART.head + CHART.height + CHART.foot;
  const drawn = charts.map(
    (chart, i) => `<g transform="translate(0 ${i * tall})">${draw(chart)}</g>`,
  );
  const svg = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${charts.length * tall}" role="img" font-family="sans-serif" font-size="11">`,
    '<title>How the CPU time of a hit grows</title>',
    '<style>text{fill:#57606a}@media(prefers-color-scheme:dark){text{fill:#c9d1d9}}</style>',
    ...drawn,
    '</svg>',
  ];
  writeFileSync(`${IMAGES}${name}.svg`, `${svg.join('\n')}\n`);
  print(['drawn', `docs/guide/images/${name}.svg`]);
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
    text(0, 14, title, 'font-size="13" font-weight="600"'),
    ...decades.map(
      (log) =>
        `<line x1="${CHART.left}" x2="${WIDTH - CHART.right}" y1="${round(y(log))}" y2="${round(y(log))}" stroke="#8b949e" stroke-opacity="0.3"/>` +
        text(CHART.left - 6, y(log) + 4, `${Number(10 ** log)} µs`, 'text-anchor="end"'),
    ),
    ...amounts.map((amount) =>
      text(x(amount), y(low) + 15, amount.toLocaleString('en-US'), 'text-anchor="middle"'),
    ),
    ...names.map((name, i) => {
      const points = rows.filter((row) => row.name === name);
      const line = points.map((row) => `${round(x(row[what]))},${round(y(Math.log10(row.cpuUs)))}`);
      return `<polyline points="${line.join(' ')}" fill="none" stroke="${COLOURS[i]}" stroke-width="2"/>`;
    }),
    ...names.map((name, i) => {
      const left = CHART.left + i * 210;
      const top = y(low) + 22;
      return `<rect x="${left}" y="${round(top)}" width="9" height="9" fill="${COLOURS[i]}"/>${text(left + 14, top + 8, name)}`;
    }),
  ].join('\n');
}

function text(x, y, content, attributes = '') {
  return `<text x="${round(x)}" y="${round(y)}" ${attributes}>${content.replaceAll('&', '&amp;').replaceAll('<', '&lt;')}</text>`;
}

function round(value) {
  return Math.round(value * 10) / 10;
}
