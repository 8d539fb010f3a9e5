/** Documents, comments, messages and names of tests name their subject, in words that readers know. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { findingsInSource, findingsInText, WORDS, type Finding } from './prose.js';

const ROOTS = [
  ...['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', '.env.example', 'docker-compose.yml'],
  ...['package.json', 'eslint.config.mjs', 'jest.config.mjs', '.dependency-cruiser.cjs'],
  ...['.ci', 'docs', 'ops', 'libs', 'apps', 'test', 'tools', 'benchmarks'],
];
/** `docs/api` is made of docstrings, `docs/public` of a package. */
const NOT_OURS = ['node_modules', 'dist', 'coverage', '.data', 'docs/api', 'docs/public'];
/** They quote what they forbid. */
const QUOTES = ['test/rules/prose.ts', 'test/rules/prose.rules-spec.ts'];

const files = ROOTS.flatMap(filesIn).filter((path) => !QUOTES.includes(path));
const findings = files.flatMap(findingsOf);

describe('the prose', () => {
  it('is read from documents, sources, tests and tools', () => {
    expect(files.length).toBeGreaterThan(600);
    expect(files).toEqual(
      expect.arrayContaining(['docs/guide/caching.md', 'libs/redis/src/index.ts', '.ci/run']),
    );
  });

  it('has no word that hides who does what', () => {
    expect(findings.map(inWords)).toEqual([]);
  });
});

describe('the check of prose', () => {
  it.each(Object.keys(WORDS))('finds "%s", in any case, and says what to write', (word) => {
    const [finding] = findingsInText('a.md', `One.\n${word.toUpperCase()} two.`);

    expect(finding).toEqual({
      path: 'a.md',
      line: 2,
      found: word.toUpperCase(),
      instead: WORDS[word],
    });
  });

  it.each([
    ['in a comment', '// nobody waits\nlet a;'],
    ['in a comment at the end of a line', 'let a; // nobody waits'],
    ['in a comment at the end of the file', 'let a;\n// nobody waits'],
    ['in a string', "throw new Error('nobody waits');"],
    ['in a template', 'throw new Error(`${name}: nobody waits for ${other}`);'],
    ['in the name of a test', "it('keeps nobody waiting', () => {});"],
    ['over two lines of a comment', '/**\n * He waits in\n * vain.\n */\nlet a;'],
  ])('finds a word %s', (_, text) => {
    expect(findingsInSource('a.ts', text)).toHaveLength(1);
  });

  it.each(['What', 'It', 'Whose'])('finds a docstring that begins with "%s"', (pronoun) => {
    const found = {
      found: `/** ${pronoun}`,
      instead: 'begin with a verb, or with the thing described',
    };

    expect(findingsInSource('a.ts', `/** ${pronoun} waits. */\nlet a;`)).toMatchObject([found]);
    expect(findingsInSource('a.ts', `/**\n * ${pronoun} waits.\n */\nlet a;`)).toMatchObject([
      found,
    ]);
  });

  it.each([
    ['a name in code', 'const nobody = everybody.length;'],
    ['data', "get('/users/nobody', `nobody:${password}`);"],
    ['a pronoun elsewhere', '/** Waits. It returns. */\n// What is right\nlet a;'],
    ['a part of a word', '// nobodys, seldomly'],
  ])('leaves alone %s', (_, text) => {
    expect(findingsInSource('a.ts', text)).toEqual([]);
  });
});

function filesIn(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path)
    .filter((name) => !NOT_OURS.includes(name) && !NOT_OURS.includes(join(path, name)))
    .flatMap((name) => filesIn(join(path, name)));
}

function findingsOf(path: string): Finding[] {
  const text = readFileSync(path, 'utf8');
  return /\.[mc]?[tj]s$/.test(path) ? findingsInSource(path, text) : findingsInText(path, text);
}

function inWords({ path, line, found, instead }: Finding): string {
  return `${path}:${line} "${found}": ${instead}`;
}
