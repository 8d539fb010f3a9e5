/** The API reference, from the docstrings of all entry points: pages of Markdown in `docs/api`. */
import { Converter, OptionDefaults } from 'typedoc';

const entryPoints = ['.', 'health', 'metrics', 'tracing', 'embedded', 'msgpack', 'testing'];

/** @type {Partial<import('typedoc').TypeDocOptions & import('typedoc-plugin-markdown').PluginOptions>} */
export default {
  name: 'API',
  entryPoints: entryPoints.map((folder) => `../libs/redis/src/${folder}/index.ts`),
  tsconfig: '../libs/redis/tsconfig.lib.json',
  plugin: ['typedoc-plugin-markdown', nameEntryPoints],
  out: 'api',
  entryFileName: 'index.md',
  readme: 'none',
  hidePageHeader: true,
  hideBreadcrumbs: true,
  useCodeBlocks: true,
  parametersFormat: 'table',
  disableSources: true,
  excludeInternal: true,
  excludePrivate: true,
  excludeExternals: true,
  // `npm run types` has compiled the same sources.
  skipErrorChecking: true,
  blockTags: [...OptionDefaults.blockTags, '@publicApi'],
  notRenderedTags: [...OptionDefaults.notRenderedTags, '@publicApi'],
  // Public types may use types that are not exported: the compiler shows them.
  validation: { notExported: false },
  treatWarningsAsErrors: true,
};

/** Names an entry point by its folder: TypeDoc takes the whole sentence after `@module` for a name. */
function nameEntryPoints(app) {
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    for (const entryPoint of project.children ?? []) {
      [entryPoint.name] = /^\w+/.exec(entryPoint.name);
    }
  });
}
