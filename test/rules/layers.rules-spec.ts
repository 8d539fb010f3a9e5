import { execFile } from 'node:child_process';
import { rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { breaches, soundTree } from './layers.breaches.js';
import { writeSourceTree, type Files } from './source-tree.js';

interface Verdict {
  readonly modules: number;
  readonly breaches: readonly {
    readonly rule: string;
    readonly from: string;
    readonly to: string;
  }[];
}

/** The layers, written down a second time: module -> the modules it may import. */
const core = 'errors time keys serialization peers connection telemetry batch repository cache';
const layers: Readonly<Record<string, string>> = {
  errors: '',
  time: 'errors',
  keys: 'errors',
  serialization: 'errors',
  peers: 'errors',
  telemetry: 'errors time keys serialization peers',
  connection: 'errors time keys serialization peers telemetry',
  batch: 'errors time keys serialization peers connection telemetry',
  repository: 'errors time keys serialization peers connection telemetry batch',
  cache: 'errors time keys serialization peers connection telemetry batch',
  nest: core,
  health: `${core} nest`,
  metrics: `${core} nest`,
  tracing: `${core} nest`,
  embedded: `${core} nest`,
  msgpack: 'errors serialization',
  testing: `${core} nest embedded`,
};
const modules = Object.keys(layers);

/** One file in each module, and one in `module` that imports from every other module. */
function nosyTree(module: string): Files {
  const others = modules.filter((other) => other !== module);
  return {
    ...Object.fromEntries(
      others.map((other) => [`libs/redis/src/${other}/thing.ts`, 'export const thing = 1;']),
    ),
    [`libs/redis/src/${module}/nosy.ts`]: others
      .map((other) => `export { thing as ${other} } from '../${other}/thing.js';`)
      .join('\n'),
  };
}

const trees = {
  sound: writeSourceTree(soundTree),
  moved: writeSourceTree({
    'tsconfig.json': '{ "include": ["source"] }',
    'source/index.ts': 'export const everything = 1;',
  }),
  breach: breaches.map(({ files }) => writeSourceTree({ ...soundTree, ...files })),
  nosy: modules.map((module) => writeSourceTree(nosyTree(module))),
};
// One process for all: starting dependency-cruiser costs more than cruising a small tree.
const all = [trees.sound, trees.moved, ...trees.breach, ...trees.nosy];
const verdicts = new Map<string, Verdict>();

const verdictOn = (tree: string | undefined): Verdict => {
  const verdict = verdicts.get(tree ?? '');
  if (!verdict) {
    throw new Error('the tree was not read');
  }
  return verdict;
};

beforeAll(async () => {
  const lines = await new Promise<string[]>((resolve, reject) => {
    const tool = join(process.cwd(), 'tools/layers.mjs');
    execFile(process.execPath, [tool, '--json', ...all], (error, stdout, stderr) => {
      const lines = stdout.trim().split('\n');
      // Most trees break a rule, so the tool must have failed; it must not have crashed.
      if (error?.code === 1 && lines.length === all.length) resolve(lines);
      else reject(new Error(`tools/layers.mjs did not finish: ${stderr}`, { cause: error }));
    });
  });
  all.forEach((tree, at) => verdicts.set(tree, JSON.parse(lines[at] ?? '') as Verdict));
}, 300_000); // on a busy machine

afterAll(() => {
  all.forEach((tree) => {
    rmSync(tree, { recursive: true, force: true });
  });
});

describe('the layers', () => {
  it('accept a tree in which every file is in its place', () => {
    expect(verdictOn(trees.sound).breaches).toEqual([]);
    expect(verdictOn(trees.sound).modules).toBeGreaterThan(Object.keys(soundTree).length);
  });

  it('count the files that were read, so that reading none is noticed', () => {
    expect(verdictOn(trees.moved)).toEqual({ modules: 0, breaches: [] });
  });

  it.each(modules.map((module, at) => ({ module, at })))(
    'let $module import the layers below and nothing else',
    ({ module, at }) => {
      const allowed = layers[module]?.split(' ') ?? [];
      const refused = modules.filter((other) => other !== module && !allowed.includes(other));

      const { breaches: found } = verdictOn(trees.nosy[at]);

      expect(found.map(({ rule, to }) => `${rule} ${to}`).sort()).toEqual(
        refused.map((other) => `module-${module} libs/redis/src/${other}/thing.ts`).sort(),
      );
    },
  );

  it.each(breaches.map((breach, at) => ({ ...breach, at })))(
    '$rule catches $deed',
    ({ rule, alsoBreaks = rule, at }) => {
      const { breaches: found } = verdictOn(trees.breach[at]);

      expect(new Set(found.map((breach) => breach.rule))).toEqual(new Set([rule, alsoBreaks]));
    },
  );
});

describe('the rules', () => {
  interface Rule {
    readonly name: string;
    readonly comment?: string;
    readonly severity: string;
  }
  const config = createRequire(join(process.cwd(), 'package.json'))(
    './.dependency-cruiser.cjs',
  ) as Readonly<Record<'forbidden' | 'required' | 'computed', readonly Rule[]>>;
  const rules = [...config.forbidden, ...config.required, ...config.computed];

  it.each(rules)('$name says why it exists and what to do, and is an error', (rule) => {
    expect(rule.comment?.length).toBeGreaterThan(80);
    expect(rule.severity).toBe('error');
  });

  it('are each broken by a test above', () => {
    const broken = [
      ...modules.map((module) => `module-${module}`),
      ...breaches.map(({ rule }) => rule),
    ];

    expect(rules.map(({ name }) => name).sort()).toEqual([...new Set(broken)].sort());
  });
});
