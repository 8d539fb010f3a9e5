/** The links between documents lead somewhere: the file is there, and so is the heading. */
import { existsSync } from 'node:fs';
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

/** Those that stay in the repository. */
function linksOf(document: Document): string[] {
  const found = [...proseOf(document).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link);
  return found.filter((link) => !/^[a-z]+:/.test(link));
}

/** As GitHub makes them from headings. */
function anchorsOf(document: Document): string[] {
  return [...proseOf(document).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\w\s-]/g, '')
      .replaceAll(' ', '-'),
  );
}
