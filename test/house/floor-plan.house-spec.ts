import { execFile } from 'node:child_process';
import { rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { breaches, soundTree } from './floor-plan.breaches.js';
import { writeSourceTree, type Files } from './source-tree.js';

interface Verdict {
  readonly modules: number;
  readonly breaches: readonly {
    readonly rule: string;
    readonly from: string;
    readonly to: string;
  }[];
}

/** The plan once more, in words of our own: room -> rooms it may import. */
const core = 'errors time keys serialization connection telemetry batch repository cache lock';
const plan: Readonly<Record<string, string>> = {
  errors: '',
  time: 'errors',
  keys: 'errors',
  serialization: 'errors',
  telemetry: 'errors time keys serialization',
  connection: 'errors time keys serialization telemetry',
  batch: 'errors time keys serialization connection telemetry',
  lock: 'errors time keys serialization connection telemetry',
  repository: 'errors time keys serialization connection telemetry batch',
  cache: 'errors time keys serialization connection telemetry batch',
  nest: core,
  health: `${core} nest`,
  metrics: `${core} nest`,
  tracing: `${core} nest`,
  embedded: `${core} nest`,
  msgpack: 'errors serialization',
  testing: `${core} nest embedded`,
};
const rooms = Object.keys(plan);

/** Everything in the house, and one file in `room` that imports something from every other room. */
function nosyTree(room: string): Files {
  const others = rooms.filter((other) => other !== room);
  return {
    ...Object.fromEntries(
      others.map((other) => [`libs/redis/src/${other}/thing.ts`, 'export const thing = 1;']),
    ),
    [`libs/redis/src/${room}/nosy.ts`]: others
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
  nosy: rooms.map((room) => writeSourceTree(nosyTree(room))),
};
// One process for all: starting dependency-cruiser costs more than cruising a small tree.
const all = [trees.sound, trees.moved, ...trees.breach, ...trees.nosy];
const verdicts = new Map<string, Verdict>();

const verdictOn = (tree: string | undefined): Verdict => {
  const verdict = verdicts.get(tree ?? '');
  if (!verdict) {
    throw new Error('the tree was not cruised');
  }
  return verdict;
};

beforeAll(async () => {
  const lines = await new Promise<string[]>((resolve, reject) => {
    const tool = join(process.cwd(), 'tools/floor-plan.mjs');
    execFile(process.execPath, [tool, '--json', ...all], (error, stdout, stderr) => {
      const lines = stdout.trim().split('\n');
      // Most trees are in breach, so the tool must have failed; it must not have crashed.
      if (error?.code === 1 && lines.length === all.length) resolve(lines);
      else reject(new Error(`the floor plan tool did not finish: ${stderr}`, { cause: error }));
    });
  });
  all.forEach((tree, at) => verdicts.set(tree, JSON.parse(lines[at] ?? '') as Verdict));
}, 120_000);

afterAll(() => {
  all.forEach((tree) => {
    rmSync(tree, { recursive: true, force: true });
  });
});

describe('the floor plan', () => {
  it('has no objection to a tree in which everything is in its place', () => {
    expect(verdictOn(trees.sound).breaches).toEqual([]);
    expect(verdictOn(trees.sound).modules).toBeGreaterThan(Object.keys(soundTree).length);
  });

  it('counts what it looked at, so that having looked at nothing is noticed', () => {
    expect(verdictOn(trees.moved)).toEqual({ modules: 0, breaches: [] });
  });

  it.each(rooms.map((room, at) => ({ room, at })))(
    'lets $room import the floors below and nothing else',
    ({ room, at }) => {
      const allowed = plan[room]?.split(' ') ?? [];
      const refused = rooms.filter((other) => other !== room && !allowed.includes(other));

      const { breaches: found } = verdictOn(trees.nosy[at]);

      expect(found.map(({ rule, to }) => `${rule} ${to}`).sort()).toEqual(
        refused.map((other) => `room-${room} libs/redis/src/${other}/thing.ts`).sort(),
      );
    },
  );

  it.each(breaches.map((breach, at) => ({ ...breach, at })))(
    '$rule catches $deed',
    ({ rule, at }) => {
      const { breaches: found } = verdictOn(trees.breach[at]);

      expect(new Set(found.map((breach) => breach.rule))).toEqual(new Set([rule]));
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
  ) as Readonly<Record<'forbidden' | 'required', readonly Rule[]>>;
  const rules = [...config.forbidden, ...config.required];

  it.each(rules)('$name says why it exists and what to do, and is an error', (rule) => {
    expect(rule.comment?.length).toBeGreaterThan(80);
    expect(rule.severity).toBe('error');
  });

  it('are each broken by a test above', () => {
    const broken = [...rooms.map((room) => `room-${room}`), ...breaches.map(({ rule }) => rule)];

    expect(rules.map(({ name }) => name).sort()).toEqual([...new Set(broken)].sort());
  });
});
