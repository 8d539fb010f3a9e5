/** Draws the plots of near copies in the guide, from `benchmarks/results/near-*.json`. */
import { readResults } from './results.mjs';
import { OTHERS, OURS, text, WIDTH, writePicture } from './svg.mjs';

const LABEL_WIDTH = 240;
const VALUE_WIDTH = 90;
const ROW = 26;

export function drawPlots() {
  drawHits();
  drawProcesses();
}

function drawHits() {
  const { rows, how } = readResults('near-hits');
  const groups = ['no tags', '16 tags'].map((tagging) => ({
    title: `${tagging}, 64 callers, values of 100 bytes`,
    bars: rows
      .filter((row) => row.size === '100 B' && row.callers === 64 && row.tagging === tagging)
      .filter(({ name }) => tagging === 'no tags' || !/JSON.parse$|lru-cache/.test(name))
      .map(({ name, cpuUs }) => ({ name, value: cpuUs, text: `${digits(cpuUs)} µs` })),
  }));
  draw('near-hits', 'CPU time of one read, on a logarithmic scale', groups, how);
}

function drawProcesses() {
  const { rows, how } = readResults('near-processes');
  const groupOf = (title, what, textOf) => ({
    title,
    bars: rows.map((row) => ({ name: row.name, value: row[what], text: textOf(row[what]) })),
  });
  draw(
    'near-processes',
    'Eight processes, on a logarithmic scale',
    [
      groupOf('CPU time of all processes for each read, in µs', 'cpuUs', digits),
      groupOf('bytes that Redis sends for each read', 'bytesOut', digits),
    ],
    how,
  );
}

/** Bars from left to right: the shortest of a group is as long as a tenth of what it stands for. */
function draw(name, title, groups, how) {
  const parts = [text(0, 18, title, { weight: 600, size: 15 })];
  let y = 34;
  for (const { title: subject, bars } of groups) {
    const values = bars.map(({ value }) => value);
    const least = Math.log10(Math.min(...values) / 2);
    const span = Math.log10(Math.max(...values)) - least;
    const room = WIDTH - LABEL_WIDTH - VALUE_WIDTH;
    parts.push(text(0, y + 16, subject, { size: 13 }));
    y += 26;
    for (const bar of bars) {
      const width = (room * (Math.log10(bar.value) - least)) / span;
      const fill = bar.name.startsWith('near copy') ? OURS : OTHERS;
      parts.push(
        text(LABEL_WIDTH - 8, y + 15, bar.name, { anchor: 'end' }),
        `<rect x="${LABEL_WIDTH}" y="${y + 2}" width="${width.toFixed(1)}" height="${ROW - 8}" rx="2" fill="${fill}"/>`,
        text(LABEL_WIDTH + width + 6, y + 15, bar.text),
      );
      y += ROW;
    }
    y += 12;
  }
  for (const line of linesOf(how, 100)) {
    parts.push(text(0, y + 8, line, { size: 11 }));
    y += 15;
  }
  writePicture(name, title, y + 6, parts);
}

function digits(value) {
  return value < 10 ? value.toPrecision(2) : value.toFixed(0);
}

function linesOf(content, length) {
  const lines = [''];
  for (const word of content.split(' ')) {
    if (lines.at(-1).length + word.length > length) lines.push('');
    lines.push(`${lines.pop()} ${word}`.trim());
  }
  return lines;
}
