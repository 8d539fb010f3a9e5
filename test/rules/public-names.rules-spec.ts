/**
 * The names that users can import are a promise: a name appears or disappears here only on purpose. After a
 * deliberate change run `npm run public-names` and let the reviewer see the difference.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { exportedNames, type ExportedNames } from './exported-names.js';

const library = join(process.cwd(), 'libs/redis');
const list = join(process.cwd(), 'test/rules/public-names.json');

const manifest = JSON.parse(readFileSync(join(library, 'package.json'), 'utf8')) as {
  readonly exports: Readonly<Record<string, unknown>>;
  readonly typesVersions: Readonly<Record<'*', Readonly<Record<string, readonly string[]>>>>;
};

/** './health' -> 'health/index', '.' -> 'index' */
const entryOf = (subpath: string): string =>
  subpath === '.' ? 'index' : `${subpath.slice('./'.length)}/index`;
const entryPoints = Object.keys(manifest.exports).filter((subpath) => subpath !== './package.json');

describe('the public names', () => {
  it('are those of the checked-in list', () => {
    const sources = entryPoints.map((subpath) => join(library, 'src', `${entryOf(subpath)}.ts`));
    const names = exportedNames(sources);
    const found: Record<string, ExportedNames | undefined> = Object.fromEntries(
      entryPoints.map((subpath, at) => [subpath, names[at]]),
    );
    if (process.env['UPDATE_PUBLIC_NAMES'] === '1') {
      writeFileSync(list, `${JSON.stringify(found, null, 2)}\n`);
    }

    expect(found).toEqual(JSON.parse(readFileSync(list, 'utf8')));
  }, 120_000);
});

describe('the exports of the package', () => {
  it.each(entryPoints)(
    'lead %s to one file wherever ES modules can be required, and to one for other tools',
    (subpath) => {
      const built = (format: string, extension: string): string =>
        `./dist/${format}/${entryOf(subpath)}.${extension}`;
      const module = { types: built('types', 'd.ts'), default: built('esm', 'js') };

      expect(Object.entries(manifest.exports[subpath] ?? {})).toEqual([
        ['import', module],
        ['module-sync', module],
        ['module', module],
        ['require', { types: built('cjs', 'd.ts'), default: built('cjs', 'js') }],
      ]);
    },
  );

  it('have their types also where TypeScript does not know exports', () => {
    const subpaths = entryPoints.filter((subpath) => subpath !== '.');

    expect(manifest.typesVersions['*']).toEqual(
      Object.fromEntries(
        subpaths.map((subpath) => [
          subpath.slice('./'.length),
          [`./dist/cjs/${entryOf(subpath)}.d.ts`],
        ]),
      ),
    );
  });

  it('have a subpath for every module with an index.ts, and a source for every subpath', () => {
    const withIndex = readdirSync(join(library, 'src'), { withFileTypes: true })
      .filter((module) => module.isDirectory())
      .filter((module) => existsSync(join(library, 'src', module.name, 'index.ts')))
      .map((module) => `./${module.name}`);

    expect([...entryPoints].sort()).toEqual(['.', ...withIndex].sort());
  });
});
