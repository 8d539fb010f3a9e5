/** Small line charts as one SVG, without a dependency. */

const WIDTH = 460;
const HEIGHT = 210;
const PLOT = { left: 52, right: 22, top: 34, bottom: 58 };
const COLUMNS = 2;
const COLOURS = [
  '#1f77b4',
  '#d62728',
  '#2ca02c',
  '#ff7f0e',
  '#9467bd',
  '#8c564b',
  '#17becf',
  '#7f7f7f',
];

/**
 * Draws charts side by side, all over the same time.
 *
 * @param charts `{ title, unit, series: [{ name, points: [[second, value]] }] }`; a value that is not
 *   finite interrupts its line
 * @param seconds how long the time is
 * @param spans `{ name, from, to, colour }`: what was going on meanwhile, drawn behind the lines
 */
export function drawCharts({ charts, seconds, spans }) {
  const rows = Math.ceil(charts.length / COLUMNS);
  const [width, height] = [WIDTH * COLUMNS, HEIGHT * rows];
  const drawn = charts.map((chart, index) => {
    const [x, y] = [(index % COLUMNS) * WIDTH, Math.floor(index / COLUMNS) * HEIGHT];
    return `<g transform="translate(${x} ${y})">${drawChart(chart, seconds, spans)}</g>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="10">`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    ...drawn,
    '</svg>\n',
  ].join('\n');
}

function drawChart({ title, unit, series }, seconds, spans) {
  const top = niceCeiling(
    Math.max(
      0,
      ...series.flatMap(({ points }) => points.map(([, value]) => value)).filter(Number.isFinite),
    ),
  );
  const inner = { width: WIDTH - PLOT.left - PLOT.right, height: HEIGHT - PLOT.top - PLOT.bottom };
  const x = (second) => round(PLOT.left + (second / seconds) * inner.width);
  const y = (value) => round(PLOT.top + (1 - value / top) * inner.height);
  const bottom = PLOT.top + inner.height;
  return [
    text(PLOT.left, 16, title, 'font-size="12" font-weight="bold"'),
    ...spans.map(
      ({ name, from, to, colour }) =>
        `<rect x="${x(from)}" y="${PLOT.top}" width="${round(x(to) - x(from))}" height="${inner.height}" fill="${colour}"/>` +
        text(x(from) + 3, PLOT.top - 4, name, 'fill="#666"'),
    ),
    ...[0, top / 2, top].map(
      (value) =>
        `<line x1="${PLOT.left}" x2="${WIDTH - PLOT.right}" y1="${y(value)}" y2="${y(value)}" stroke="#ddd"/>` +
        text(PLOT.left - 5, y(value) + 3, format(value, unit), 'text-anchor="end" fill="#444"'),
    ),
    ...ticks(seconds).map((second) =>
      text(x(second), bottom + 13, `${second} s`, 'text-anchor="middle" fill="#444"'),
    ),
    ...series.map(
      ({ points }, index) =>
        `<path d="${line(points, x, y)}" fill="none" stroke="${colourOf(index)}" stroke-width="1.4"/>`,
    ),
    drawLegend(series, bottom + 29),
  ].join('\n');
}

function drawLegend(series, y) {
  let [left, line] = [PLOT.left, 0];
  return series
    .map(({ name }, index) => {
      const width = 20 + name.length * 6.6;
      if (left + width > WIDTH) [left, line] = [PLOT.left, line + 1];
      const [x, top] = [left, y + line * 13];
      left += width;
      return `<rect x="${round(x)}" y="${top - 7}" width="8" height="8" fill="${colourOf(index)}"/>${text(round(x + 11), top, name)}`;
    })
    .join('');
}

function line(points, x, y) {
  let isDrawing = false;
  return points
    .map(([second, value]) => {
      if (!Number.isFinite(value)) {
        isDrawing = false;
        return '';
      }
      const command = isDrawing ? 'L' : 'M';
      isDrawing = true;
      return `${command}${x(second)} ${y(value)}`;
    })
    .join('');
}

/** The next of 1, 2, 5, 10, 20, ...: a scale that can be read. */
function niceCeiling(value) {
  if (value === 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= value);
}

function ticks(seconds) {
  return Array.from({ length: Math.floor(seconds / 20) + 1 }, (_, index) => index * 20);
}

function format(value, unit) {
  if (unit === 's')
    return value >= 1 ? `${value} s` : `${Number((value * 1_000).toPrecision(3))} ms`;
  if (unit === 'percentunit') return `${value * 100}%`;
  return `${Number(value.toPrecision(3))}${unit === 'reqps' || unit === 'ops' ? '/s' : ''}`;
}

const colourOf = (index) => COLOURS[index % COLOURS.length];
const round = (value) => Math.round(value * 10) / 10;
const escape = (value) => value.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
const text = (x, y, content, attributes = '') =>
  `<text x="${x}" y="${y}" ${attributes}>${escape(content)}</text>`;
