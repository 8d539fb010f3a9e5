/**
 * The layers of the library, as rules. Every rule says why it exists and what to do instead;
 * test/rules/layers.rules-spec.ts breaks each rule once, and fails for a rule without a breach.
 *
 * Run them with `npm run layers`. The table below lists the modules and what each may import;
 * CONTRIBUTING.md shows the same as a picture. tools/layers.mjs computes one rule that dependency-cruiser
 * cannot express: no cycle between the parts of a module.
 */
const { peerDependenciesMeta = {} } = require('./libs/redis/package.json');

const base = ['errors'];
const values = ['time', 'keys', 'serialization', 'peers'];
const clients = ['connection', 'telemetry'];
const features = ['batch', 'repository', 'cache'];
const core = [...base, ...values, ...clients, ...features, 'nest'];
/** Modules with a subpath export of their own. */
const entryPoints = ['health', 'metrics', 'tracing', 'embedded', 'msgpack', 'testing'];

/** Module -> the other modules it may import. Arrows point down only. */
const modules = {
  errors: [],
  time: base,
  keys: base,
  serialization: base,
  peers: base,
  telemetry: [...base, ...values],
  connection: [...base, ...values, 'telemetry'],
  batch: [...base, ...values, ...clients],
  repository: [...base, ...values, ...clients, 'batch'],
  cache: [...base, ...values, ...clients, 'batch'],
  nest: [...base, ...values, ...clients, ...features],
  health: core,
  metrics: core,
  tracing: core,
  embedded: core,
  msgpack: [...base, 'serialization'],
  testing: [...core, 'embedded'],
};

const SRC = '^libs/redis/src/';
const any = (names) => `(${names.join('|')})`;
const inModule = (...names) => `${SRC}${any(names)}/`;
/** An installed package, wherever npm put it; its own code is never cruised. */
const npm = (...names) => `(^|/)node_modules/${any(names)}(/|$)`;
/** Optional packages of the main entry point. */
const loadedOnDemand = ['class-validator', 'class-transformer', '@nestjs/config'];
/** Optional packages that belong to an entry point. */
const optionalPeers = Object.keys(peerDependenciesMeta).filter(
  (name) => peerDependenciesMeta[name].optional && !loadedOnDemand.includes(name),
);
const onlyTypes = ['type-only', 'type-import'];
const tests = '\\.((int|e2e|rules|smoke)-)?spec\\.ts$';

const moduleRules = Object.entries(modules).map(([name, below]) => ({
  name: `module-${name}`,
  comment:
    `${name}/ may import ${below.length > 0 ? below.join(', ') : 'no other module'}: arrows point ` +
    'down only, so that a layer can be understood and tested without those above it. Move the ' +
    'shared part to a lower layer, or take what you need as an argument.',
  from: { path: inModule(name) },
  to: { path: SRC, pathNot: inModule(name, ...below) },
}));

/**
 * Files that should not be where they are. dependency-cruiser has no rule about a file alone, but it
 * can require a file to import something; nothing has an empty path, so the requirement is never met.
 */
const misplaced = { path: '^$' };
const placeRules = [
  {
    name: 'every-file-has-a-module',
    comment:
      'No rule applies to a file outside the known modules. Put it in the module whose one job it ' +
      'serves; give a new module its layer in the table of .dependency-cruiser.cjs first.',
    module: {
      path: SRC,
      pathNot: [inModule(...Object.keys(modules)), `${SRC}index(\\.spec)?\\.ts$`],
    },
    to: misplaced,
  },
  {
    name: 'no-barrel-in-a-module',
    comment:
      'An index.ts inside a module hides which file needs which, and makes cycles easy. Delete it ' +
      "and import the file that defines the name; only the package's entry points have one.",
    module: {
      path: '^(libs|apps)/[^/]+/src/.+/index\\.ts$',
      pathNot: `${SRC}${any(entryPoints)}/index\\.ts$`,
    },
    to: misplaced,
  },
  {
    name: 'no-build-output-beside-sources',
    comment:
      'Tests and tools load a .js file instead of the .ts beside it, today and after the next ' +
      'edit. Delete it; `npm run build` writes to dist, and `npm run types` checks types.',
    module: { path: '^(libs|apps|test|benchmarks)/.*\\.js$' },
    to: misplaced,
  },
];

const rules = [
  {
    name: 'index-never-reaches-an-entry-point',
    comment:
      'An entry point needs packages that most users do not install. Users import it by its own ' +
      'subpath; move what both need to a module below.',
    from: { path: `${SRC}index\\.ts$` },
    to: { path: inModule(...entryPoints), reachable: true },
  },
  {
    name: 'index-never-reaches-an-optional-peer',
    comment:
      'A user of the main entry who has not installed that optional package would crash at start. ' +
      'Put the code that needs it into an entry point with its own subpath export.',
    from: { path: `${SRC}index\\.ts$` },
    to: { path: npm(...optionalPeers), reachable: true },
  },
  {
    name: 'optional-peers-are-loaded-on-demand',
    comment:
      'Users who only cache have not installed this package, and an import of its values would fail at ' +
      'start. Use `import type`, and take the values from peers/optional-peers.ts at their first use.',
    from: { path: SRC, pathNot: [`${SRC}peers/load-peer\\.cts$`, tests] },
    to: { path: npm(...loadedOnDemand), dependencyTypesNot: onlyTypes },
  },
  {
    name: 'nest-only-in-upper-layers',
    comment:
      'The core works in a plain script, without Nest. Do the work in a plain class and wire it ' +
      'in nest/ (or in an entry point made for Nest).',
    from: {
      path: SRC,
      pathNot: [
        inModule('nest', 'health', 'metrics', 'tracing', 'testing'),
        `${SRC}peers/load-peer\\.cts$`, // at the demand of nest/
      ],
    },
    to: { path: npm('@nestjs/[^/]+') },
  },
  {
    name: 'only-entry-points-start-processes',
    comment:
      'A library that starts processes by surprise is a security finding. Only embedded/ and ' +
      'testing/ may, because their users asked for a server.',
    from: { path: '^(libs|apps)/[^/]+/src/', pathNot: inModule('embedded', 'testing') },
    to: { path: '^(node:)?child_process$' },
  },
  {
    name: 'nothing-imports-the-embedded-server',
    comment:
      'js-redis-server runs in a process of its own, and shares no modules with the application. Ask ' +
      'resolveRedis or startRedis for a server instead.',
    from: { path: '^(libs|apps)/[^/]+/src/' },
    to: { path: npm('js-redis-server') },
  },
  {
    name: 'ioredis-values-only-in-driver',
    comment:
      'One folder creates clients and knows ioredis by value, so that ioredis 5, 6 and a test ' +
      'double are the same to all other files. Use `import type`, or take the value from ' +
      'connection/driver/.',
    // driver-settings.ts asks ioredis which options it has; a unit test makes a client to look at it.
    from: {
      path: '^(libs|apps)/[^/]+/src/',
      pathNot: `${SRC}connection/(driver/|options/driver-settings\\.ts$|[^/]*\\.spec\\.ts$)`,
    },
    to: { path: npm('ioredis'), dependencyTypesNot: onlyTypes },
  },
  {
    name: 'only-tracing-knows-opentelemetry',
    comment:
      'Only users of tracing have OpenTelemetry installed, so only tracing/ knows it. The other ' +
      'modules run their work through `Tracing` of telemetry/, which knows no tracer by name.',
    from: { path: '^(libs|apps)/[^/]+/src/', pathNot: inModule('tracing') },
    to: { path: npm('@opentelemetry/[^/]+') },
  },
  {
    name: 'library-declares-what-it-imports',
    comment:
      'A user has only the packages that libs/redis/package.json names; one that is here by luck ' +
      'is missing there. Declare it as a (optional) peer, or do without it.',
    from: { path: SRC, pathNot: tests },
    to: {
      dependencyTypes: ['npm-no-pkg', 'npm-unknown', 'npm-dev'],
      dependencyTypesNot: ['npm', 'npm-peer'], // an optional peer counts as "no-pkg" as well
    },
  },
  {
    name: 'apps-import-the-package-by-name',
    comment:
      'The sample must show what a user can do, and a user has no libs/ folder. Import ' +
      "'nestjs-redis-data' or one of its subpaths; export what is missing.",
    // test/support/ runs outside of Jest, where there are no aliases; test/rules/ inspects the sources.
    from: { path: '^(apps|benchmarks|test)/', pathNot: '^test/(support|rules)/' },
    to: { path: '^libs/', dependencyTypesNot: ['aliased', 'aliased-workspace'] },
  },
  {
    name: 'apps-use-entry-points',
    comment:
      'An alias that leads past the entry points works here and nowhere else. Import what ' +
      "'nestjs-redis-data' or one of its subpaths exports; export what is missing.",
    from: { path: '^(apps|benchmarks|test)/' },
    to: {
      path: '^libs/',
      pathNot: `${SRC}(${any(entryPoints)}/)?index\\.ts$`,
      dependencyTypes: ['aliased', 'aliased-workspace'],
    },
  },
  {
    name: 'controllers-never-import-repositories',
    comment:
      'A controller translates HTTP. The service that it calls decides what is stored, and where: ' +
      'add a method there.',
    from: { path: '\\.controller\\.ts$' },
    to: { path: 'repositor(y|ies)[^/]*\\.ts$' },
  },
  {
    name: 'libs-know-no-apps',
    comment:
      'The library is published without the sample. Move what both need into the library, or ' +
      'pass it in.',
    from: { path: '^libs/' },
    to: { path: '^apps/' },
  },
  {
    name: 'src-knows-no-tests',
    comment:
      'Test code is not shipped, so a source that imports it breaks for users. Put a helper worth ' +
      'sharing into testing/.',
    from: { path: '^(libs|apps)/[^/]+/src/', pathNot: tests },
    to: { path: [tests, '^test/', '^libs/[^/]+/test/', '^benchmarks/'] },
  },
  {
    name: 'no-cycle',
    comment:
      'Files in a cycle can only be read, tested and loaded together, and the order of imports ' +
      'decides which of them runs half-initialized. Move the shared part to a third file. (Cycles of ' +
      'types alone count: they are one edit away from the real thing.)',
    from: {},
    to: { circular: true },
  },
  {
    name: 'no-folder-cycle',
    comment:
      'Two folders that need each other are one folder. Move the shared part down, or the file to ' +
      'the folder that needs it.',
    scope: 'folder',
    from: {},
    to: { circular: true },
  },
  {
    name: 'everything-resolves',
    comment:
      'An import that leads nowhere is not checked by any other rule. Correct the path (with ' +
      'its .js ending), or declare and install the package.',
    from: {},
    to: { couldNotResolve: true },
  },
];

/** Rules that tools/layers.mjs checks itself, because dependency-cruiser cannot express them. */
const computedRules = [
  {
    name: 'no-cycle-between-parts',
    comment:
      'The files and subfolders of a folder are its parts. Parts in a cycle can only be read and ' +
      'changed together. Pass what the lower part needs as an argument, or move it down. The cycle:',
  },
];

const asError = (rule) => ({ severity: 'error', ...rule });

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [...moduleRules, ...rules].map(asError),
  required: placeRules.map(asError),
  computed: computedRules.map(asError),
  options: {
    // Type imports are arrows too; the rules that mean values only say so.
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)(dist|coverage)/' },
    combinedDependencies: false,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
