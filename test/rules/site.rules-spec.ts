/** The documentation site shows every document, and the dead links of its build are found by that build. */
import { existsSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { sidebar } from '../../docs/.vitepress/sidebar.mjs';
import { readDocuments } from './documents.js';

interface Item {
  readonly text: string;
  readonly link?: string;
  readonly items?: readonly Item[];
}

const linked = Object.values(sidebar as Record<string, readonly Item[]>)
  .flatMap((items) => items.flatMap(linksIn))
  .filter((link) => !link.startsWith('/api/')); // made by the build

describe('the contents of the site', () => {
  it('have every page of `docs`', () => {
    const pages = readDocuments()
      .map(({ path }) => path)
      .filter((path) => path.startsWith('docs/'));

    expect(pages.length).toBeGreaterThan(80);
    expect(pages.filter((page) => !linked.includes(linkOf(page)))).toEqual([]);
  });

  it('lead to pages that exist', () => {
    const exists = (link: string) =>
      existsSync(link.endsWith('/') ? `docs${link}README.md` : `docs${link}.md`);

    expect(linked.filter((link) => !exists(link))).toEqual([]);
  });
});

function linksIn({ link, items = [] }: Item): string[] {
  return [...(link === undefined ? [] : [link]), ...items.flatMap(linksIn)];
}

/** `docs/guide/keys.md` is `/guide/keys`, and `docs/adr/README.md` is `/adr/`. */
function linkOf(page: string): string {
  return page.replace(/^docs/, '').replace(/(?:README)?\.md$/, '');
}
