/** The links between documents lead somewhere, and the sources that documents name exist. */
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { proseOf, readDocuments, type Document } from './documents.js';

const documents = readDocuments();
const links = documents.flatMap((document) =>
  linksOf(document).map((link) => ({ from: document.path, link })),
);

describe('the links of the documents', () => {
  it('are found at all', () => {
    expect(links.length).toBeGreaterThan(20);
  });

  it.each(links)('$from: $link', ({ from, link }) => {
    const [file = '', anchor] = link.split('#');
    const path = file === '' ? from : join(dirname(from), file);
    expect([path, existsSync(path)]).toEqual([path, true]);
    const target = documents.find((document) => document.path === path);
    if (anchor !== undefined && target) expect(anchorsOf(target)).toContain(anchor);
  });

  it('reach every page of the guide and every decision', () => {
    const reached = links.map(({ from, link }) => join(dirname(from), link.split('#')[0] ?? ''));
    const pages = documents.map(({ path }) => path).filter((path) => path.startsWith('docs/'));
    expect(pages.filter((page) => !reached.includes(page))).toEqual([]);
  });
});

describe('the sources that documents name', () => {
  const LIBRARY = 'libs/redis/src';
  const modules = readdirSync(LIBRARY).map((name) => join(LIBRARY, name));
  const roots = ['', 'libs/redis', LIBRARY, ...modules, 'apps/users', 'apps/users/src'];
  const named = documents.flatMap((document) =>
    sourcesNamedIn(document).map((source) => ({ by: document.path, source })),
  );

  it('are found at all', () => {
    expect(named.length).toBeGreaterThan(20);
  });

  it('exist', () => {
    const exists = (source: string) => roots.some((root) => existsSync(join(root, source)));
    expect(named.filter(({ source }) => !exists(source))).toEqual([]);
  });
});

/** Paths in inline code: `cache/load/flight.ts`. A name without a folder may be anywhere. */
function sourcesNamedIn({ text }: Document): string[] {
  const paths = text.matchAll(/`((?:[\w.-]+\/)+[\w.-]+\.(?:ts|mjs|cjs))`/g);
  return [...paths].map(([, path = '']) => path);
}

/** The links that stay in the repository. */
function linksOf(document: Document): string[] {
  const found = [...proseOf(document).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link);
  return found.filter((link) => !/^[a-z]+:/.test(link));
}

/** The anchors that GitHub makes from headings. */
function anchorsOf(document: Document): string[] {
  return [...proseOf(document).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\w\s-]/g, '')
      .replaceAll(' ', '-'),
  );
}
