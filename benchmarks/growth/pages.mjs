/** Puts the tables and the plot of how cost grows into the guide, from `benchmarks/results/growth-*.json`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { drawGrowth } from '../support/log-charts.mjs';
import { readResults } from '../support/results.mjs';

const GUIDE = fileURLToPath(new URL('../../docs/guide/performance.md', import.meta.url));
const BEGIN = '<!-- growth: written by benchmarks/growth.bench.mjs pages -->\n';
const END = '<!-- growth: end -->\n';
const HITS = [
  ['growth-callers', 'callers', 'Callers at the same time, values of 100 bytes, no tags'],
  ['growth-sizes', 'bytes', 'Bytes of a value, 64 callers, no tags'],
  ['growth-tags', 'tags', 'Tags that all entries share, 64 callers, values of 100 bytes'],
];

export async function writePages() {
  const sections = [
    ...HITS.map(hitsTable),
    entitiesTable(),
    rangesTable(),
    invalidationTable(),
    `The runs were made on ${conditionsOf(HITS[0][0])}.`,
  ];
  drawGrowth(
    'growth',
    HITS.map(([name, what, title]) => ({ title, what, rows: readResults(name).rows })),
  );
  const page = readFileSync(GUIDE, 'utf8');
  const [before, rest = ''] = page.split(BEGIN);
  const [, after] = rest.split(END);
  if (after === undefined) throw new Error(`${GUIDE} has no place for the tables: ${BEGIN}`);
  const text = `${before}${BEGIN}\n${sections.join('\n\n')}\n\n${END}${after}`;
  const options = { ...(await resolveConfig(GUIDE)), parser: 'markdown' };
  writeFileSync(GUIDE, await format(text, options));
}

function hitsTable([name, what, title]) {
  const { rows } = readResults(name);
  const contenders = [...new Set(rows.map((row) => row.name))];
  const [base] = contenders;
  const lines = [...new Set(rows.map((row) => row[what]))].map((amount) => {
    const of = (contender) => rows.find((row) => row[what] === amount && row.name === contender);
    const cells = contenders.map((contender) => {
      const { cpuUs, rate } = of(contender);
      const times = contender === base ? '' : ` (${short(rate / of(base).rate)})`;
      return `${short(cpuUs)} µs${times}`;
    });
    return [number(amount), ...cells];
  });
  return `${title}: CPU of the process for each hit, and in brackets hits per second as multiples of those of ioredis.\n\n${table([what, ...contenders], lines)}`;
}

function entitiesTable() {
  const { rows, how } = readResults('growth-entities');
  const lines = rows.map((row) => [
    number(row.entities),
    `${short(row.bytes)} B`,
    `${short(row.indexBytes)} B`,
    `${number(row.savesPerSecond)} / ${number(row.indexedSavesPerSecond)}`,
    `${short(row.findByMs)} ms`,
    `${short(row.pageMs)} ms`,
    `${short(row.idsMs)} ms`,
    `${short(row.longestPauseMs)} ms`,
  ]);
  const heads = [
    'entities',
    'memory of one',
    'of its index entry',
    'saved per second with `saveAll`, without / with index',
    '`findBy` of 100',
    '`page` of 100',
    '`ids()`, all',
    'longest pause of the process meanwhile',
  ];
  return `Entities of four properties, one of them indexed; 100 entities have each indexed value (${how}).\n\n${table(heads, lines)}`;
}

function rangesTable() {
  const { rows } = readResults('growth-entities');
  const lines = rows.map((row) => [
    number(row.entities),
    `${short(row.rangeBytes)} B`,
    number(row.rangedSavesPerSecond),
    `${short(row.rangeFindByMs)} ms`,
    `${short(row.countByMs)} ms`,
    `${short(row.pageByMs)} ms`,
  ]);
  const heads = [
    'entities',
    'memory of an entry of the range',
    'saved per second with `saveAll`',
    '`findBy` of 100 in the range',
    '`countBy` of 100',
    '`pageBy` of 100, sorted',
  ];
  return `The same entities, with a range instead of the index: each has another number.\n\n${table(heads, lines)}`;
}

function invalidationTable() {
  const { rows, how } = readResults('growth-invalidation');
  const lines = rows.map((row) => [
    number(row.entries),
    `${short(row.firstMs)} ms`,
    `${short(row.invalidateMs)} ms`,
    `${short(row.nextReadMs)} ms`,
  ]);
  const heads = ['entries under the tag', 'first `invalidateTags`', 'further ones', 'next read'];
  return `Entries under one tag that is invalidated (${how}).\n\n${table(heads, lines)}`;
}

function conditionsOf(name) {
  const { at, machine, load } = readResults(name);
  return `${machine}, with a load of ${load.toFixed(1)} when they ended (${at})`;
}

function table(heads, lines) {
  const row = (cells) => `| ${cells.join(' | ')} |`;
  return [row(heads), row(heads.map(() => '---:')), ...lines.map(row)].join('\n');
}

function short(value) {
  return value >= 100 ? number(value) : String(Number(value.toPrecision(2)));
}

function number(value) {
  return Math.round(value).toLocaleString('en-US');
}
