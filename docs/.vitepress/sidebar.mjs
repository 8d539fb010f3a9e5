/** The contents of the site, by task. A test checks that no document is missing. */
import { readdirSync, readFileSync } from 'node:fs';

const docs = new URL('../', import.meta.url);
const guide = (text, ...pages) => group(text, ...pages.map((page) => `guide/${page}`));

const tasks = [
  guide('Start', 'getting-started', 'compatibility', 'configuration', 'connections', 'sample'),
  group(
    'Concepts',
    'concepts/commands',
    'concepts/cached-values',
    'concepts/entities',
    'concepts/words',
  ),
  guide('Store', 'keys', 'entities', 'indexes', 'batch', 'serializers'),
  guide('Cache', 'caching', 'caching-methods', 'caching-http', 'caching-near', 'cache-aside'),
  guide('When Redis fails', 'errors', 'reliability', 'failover', 'overload'),
  guide('Test', 'testing', 'testing-repositories', 'caching-tests', 'embedded'),
  guide('Operate', 'health', 'metrics', 'observability', 'tracing', 'security', 'operations'),
  guide('Figures and the sample', 'performance', 'database'),
  group(
    'Recipes',
    'recipes/typeorm',
    'recipes/prisma',
    'recipes/graphql',
    'recipes/bullmq',
    'recipes/sessions',
    'recipes/tenants',
    'recipes/testing',
    'guide/other-libraries',
  ),
  group(
    'Migrate and compare',
    'migration/cache-manager',
    'migration/nestjs-redis',
    'migration/bentocache',
    'compare',
  ),
];

const reference = [
  { text: 'API', link: '/api/' },
  { text: 'Decisions', link: '/adr/' },
];

export const sidebar = {
  '/': [...tasks, { text: 'Reference', items: reference }],
  '/adr/': [{ text: 'Guide', link: '/guide/getting-started' }, decisions()],
  '/api/': [{ text: 'Guide', link: '/guide/getting-started' }, ...entryPoints()],
};

function group(text, ...pages) {
  const items = pages.map((page) => ({ text: headingOf(page), link: `/${page}` }));
  return { text, collapsed: false, items };
}

function headingOf(page) {
  const text = readFileSync(new URL(`${page}.md`, docs), 'utf8');
  const [, heading = page] = /^# (.+)$/m.exec(text) ?? [];
  return heading.replaceAll('`', '');
}

function decisions() {
  const pages = readdirSync(new URL('adr/', docs)).filter((file) => /^\d/.test(file));
  const names = pages.map((file) => `adr/${file.replace('.md', '')}`).sort();
  return { ...group('Decisions', ...names), link: '/adr/' };
}

/** The pages that TypeDoc has made: one group for each entry point, one page for each name. */
function entryPoints() {
  const api = new URL('api/', docs);
  const mainFirst = (a, b) => Number(b === 'index') - Number(a === 'index');
  return foldersIn(api)
    .sort(mainFirst)
    .map((entry) => {
      const root = new URL(`${entry}/`, api);
      const items = foldersIn(root).flatMap((kind) =>
        readdirSync(new URL(`${kind}/`, root)).map((file) => {
          const name = file.replace('.md', '');
          return { text: name, link: `/api/${entry}/${kind}/${name}` };
        }),
      );
      const text = entry === 'index' ? 'nestjs-redis-data' : `nestjs-redis-data/${entry}`;
      return { text, link: `/api/${entry}/`, collapsed: entry !== 'index', items };
    });
}

function foldersIn(url) {
  try {
    const entries = readdirSync(url, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  } catch {
    return []; // TypeDoc has not run
  }
}
