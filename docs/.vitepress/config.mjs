/**
 * The documentation site: `npm run docs:build`. Its pages are the documents of this repository as they
 * are; `docs/api` is made by TypeDoc. `DOCS_BASE` is the path under which a build is served (`/v0.1.0/`).
 */
import { readFileSync } from 'node:fs';
import { defineConfig } from 'vitepress';
import { documentLinks, fences, githubAnchor } from './markdown.mjs';
import { sidebar } from './sidebar.mjs';

const manifest = new URL('../../libs/redis/package.json', import.meta.url);
const { version, description } = JSON.parse(readFileSync(manifest, 'utf8'));

export default defineConfig({
  title: 'nestjs-redis-data',
  description,
  lang: 'en',
  base: process.env.DOCS_BASE ?? '/',
  cacheDir: '../node_modules/.vitepress',
  cleanUrls: true,
  rewrites: { ':folder/README.md': ':folder/index.md' },
  metaChunk: true,
  ignoreDeadLinks: 'localhostLinks',
  markdown: {
    theme: { light: 'github-light', dark: 'github-dark' },
    anchor: { slugify: githubAnchor },
    config: (md) => {
      fences(md);
      documentLinks(md);
    },
  },
  vite: { build: { chunkSizeWarningLimit: 4_000 } }, // the index of the search
  themeConfig: {
    nav: [
      { text: 'Guide', link: '/guide/getting-started', activeMatch: '^/guide/' },
      { text: 'Recipes', link: '/recipes/typeorm', activeMatch: '^/recipes/' },
      { text: 'Compare', link: '/compare' },
      { text: 'API', link: '/api/', activeMatch: '^/api/' },
      {
        text: version,
        items: [
          { text: 'Changelog', link: '/changelog' },
          { text: 'Contributing', link: '/contributing' },
        ],
      },
    ],
    sidebar,
    search: {
      provider: 'local',
      // A page that explains comes before the members of types with the same word.
      options: {
        miniSearch: {
          searchOptions: { boostDocument: (id) => (id.includes('/api/') ? 0.25 : 1) },
        },
      },
    },
    outline: [2, 3],
  },
});
