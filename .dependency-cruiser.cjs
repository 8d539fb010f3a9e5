/**
 * The floor plan of the library, as rules. Every rule says why it exists and what to do instead;
 * test/house/floor-plan.house-spec.ts breaks each of them once and fails for a rule that nobody breaks.
 *
 * Run it with `npm run floor-plan`. Which rooms exist and what they may import is the table below;
 * docs and CONTRIBUTING.md repeat it in prose.
 */
const { peerDependenciesMeta = {} } = require('./libs/redis/package.json');

const ground = ['errors'];
const first = ['time', 'keys', 'serialization'];
const second = ['connection', 'telemetry'];
const third = ['batch', 'repository', 'cache', 'lock'];
const inside = [...ground, ...first, ...second, ...third, 'nest'];
const porches = ['health', 'metrics', 'tracing', 'embedded', 'msgpack', 'testing'];

/** Room -> the other rooms it may import. Arrows point down only. */
const rooms = {
  errors: [],
  time: ground,
  keys: ground,
  serialization: ground,
  telemetry: [...ground, ...first],
  connection: [...ground, ...first, 'telemetry'],
  batch: [...ground, ...first, ...second],
  lock: [...ground, ...first, ...second],
  repository: [...ground, ...first, ...second, 'batch'],
  cache: [...ground, ...first, ...second, 'batch'],
  nest: [...ground, ...first, ...second, ...third],
  health: inside,
  metrics: inside,
  tracing: inside,
  embedded: inside,
  msgpack: [...ground, 'serialization'],
  testing: [...inside, 'embedded'],
};

const SRC = '^libs/redis/src/';
const any = (names) => `(${names.join('|')})`;
const room = (...names) => `${SRC}${any(names)}/`;
/** An installed package, wherever npm put it; its own code is never cruised. */
const npm = (...names) => `(^|/)node_modules/${any(names)}(/|$)`;
const optionalPeers = Object.keys(peerDependenciesMeta).filter(
  (name) => peerDependenciesMeta[name].optional,
);
const onlyTypes = ['type-only', 'type-import'];
const tests = '\\.((int|e2e|house|smoke)-)?spec\\.ts$';

const roomRules = Object.entries(rooms).map(([name, below]) => ({
  name: `room-${name}`,
  comment:
    `${name}/ may import ${below.length > 0 ? below.join(', ') : 'no other room'}: arrows point ` +
    'down only, so that a floor can be understood and tested without those above it. Move the ' +
    'shared part to a lower floor, or take what you need as an argument.',
  from: { path: room(name) },
  to: { path: SRC, pathNot: room(name, ...below) },
}));

/**
 * Files that should not be where they are. dependency-cruiser has no rule about a file alone, but it
 * can require a file to import something; nothing has an empty path, so the requirement is never met.
 */
const misplaced = { path: '^$' };
const placeRules = [
  {
    name: 'every-file-has-a-room',
    comment:
      'A file outside the known rooms is bound by no rule. Put it in the room whose one job it ' +
      'serves; a new room is first given its floor in the table of .dependency-cruiser.cjs.',
    module: {
      path: SRC,
      pathNot: [room(...Object.keys(rooms)), `${SRC}index(\\.spec)?\\.ts$`],
    },
    to: misplaced,
  },
  {
    name: 'no-barrel-in-a-room',
    comment:
      'An index.ts inside a room hides which file needs which, and makes cycles easy. Delete it ' +
      "and import the file that defines the name; only the package's public doors have one.",
    module: {
      path: '^(libs|apps)/[^/]+/src/.+/index\\.ts$',
      pathNot: `${SRC}${any(porches)}/index\\.ts$`,
    },
    to: misplaced,
  },
  {
    name: 'no-build-output-beside-sources',
    comment:
      'A .js file beside its .ts is what tests and tools load instead of it, today and after the ' +
      'next edit. Delete it; `npm run build` writes to dist, and a check of types is `npm run types`.',
    module: { path: '^(libs|apps|test|benchmarks)/.*\\.js$' },
    to: misplaced,
  },
];

const rules = [
  {
    name: 'index-never-reaches-a-porch',
    comment:
      'A porch needs packages that most users do not install. Users open it by its own subpath; ' +
      'move what both need to a room below.',
    from: { path: `${SRC}index\\.ts$` },
    to: { path: room(...porches), reachable: true },
  },
  {
    name: 'index-never-reaches-an-optional-peer',
    comment:
      'Whoever imports the main entry without that optional package would crash at start. Put ' +
      'the code that needs it on a porch with its own subpath export.',
    from: { path: `${SRC}index\\.ts$` },
    to: { path: npm(...optionalPeers), reachable: true },
  },
  {
    name: 'nest-only-upstairs',
    comment:
      'The core works in a plain script, without Nest. Do the work in a plain class and wire it ' +
      'in nest/ (or in a porch made for Nest).',
    from: { path: SRC, pathNot: room('nest', 'health', 'metrics', 'tracing', 'testing') },
    to: { path: npm('@nestjs/[^/]+') },
  },
  {
    name: 'processes-only-on-the-porch',
    comment:
      'A library that starts processes by surprise is a security finding. Only embedded/ and ' +
      'testing/ may, because their users asked for a server.',
    from: { path: '^(libs|apps)/[^/]+/src/', pathNot: room('embedded', 'testing') },
    to: { path: '^(node:)?child_process$' },
  },
  {
    name: 'embedded-server-only-on-the-porch',
    comment:
      'js-redis-server is a development convenience. Only embedded/ and testing/ know it; ask ' +
      'resolveRedis or startRedis for a server instead.',
    from: { path: '^(libs|apps)/[^/]+/src/', pathNot: room('embedded', 'testing') },
    to: { path: npm('js-redis-server') },
  },
  {
    name: 'ioredis-values-only-in-connection',
    comment:
      'One room creates clients and knows ioredis by value, so that ioredis 5, 6 and a test ' +
      "double are the same to all others. Use `import type`, or take the value from connection's " +
      'factory.',
    from: { path: '^(libs|apps)/[^/]+/src/', pathNot: room('connection') },
    to: { path: npm('ioredis'), dependencyTypesNot: onlyTypes },
  },
  {
    name: 'opentelemetry-only-on-the-porch',
    comment:
      'Whoever traces installs OpenTelemetry; nobody else has it. Only tracing/ knows it: the rooms ' +
      'run their work through `Tracing` of telemetry/, which knows no tracer by name.',
    from: { path: '^(libs|apps)/[^/]+/src/', pathNot: room('tracing') },
    to: { path: npm('@opentelemetry/[^/]+') },
  },
  {
    name: 'library-declares-what-it-imports',
    comment:
      'A user has only what libs/redis/package.json names; a package that is there by luck is ' +
      'missing in their tree. Declare it as a (optional) peer, or do without it.',
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
    // test/support/ runs outside of Jest, where there are no aliases; test/house/ inspects the house.
    from: { path: '^(apps|benchmarks|test)/', pathNot: '^test/(support|house)/' },
    to: { path: '^libs/', dependencyTypesNot: ['aliased', 'aliased-workspace'] },
  },
  {
    name: 'apps-use-public-doors',
    comment:
      'An alias that leads past the public entries works here and nowhere else. Import what ' +
      "'nestjs-redis-data' or one of its subpaths exports; export what is missing.",
    from: { path: '^(apps|benchmarks|test)/' },
    to: {
      path: '^libs/',
      pathNot: `${SRC}(${any(porches)}/)?index\\.ts$`,
      dependencyTypes: ['aliased', 'aliased-workspace'],
    },
  },
  {
    name: 'controllers-never-import-repositories',
    comment:
      'A controller translates HTTP. What is stored, and where, is the business of the service ' +
      'it calls: add a method there.',
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
      'Test code is not shipped, so what imports it breaks for users. A helper worth sharing ' +
      'goes to the testing porch.',
    from: { path: '^(libs|apps)/[^/]+/src/', pathNot: tests },
    to: { path: [tests, '^test/', '^libs/[^/]+/test/', '^benchmarks/'] },
  },
  {
    name: 'no-cycle',
    comment:
      'Files in a cycle can only be read, tested and loaded together, and which of them is ' +
      'half-initialized first depends on luck. Move the shared part to a third file. (Cycles of ' +
      'types alone count: they are one edit away from the real thing.)',
    from: {},
    to: { circular: true },
  },
  {
    name: 'no-folder-cycle',
    comment:
      'Two folders that need each other are one folder in disguise. Move the shared part down, ' +
      'or the file to where its friends are.',
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

const asError = (rule) => ({ severity: 'error', ...rule });

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [...roomRules, ...rules].map(asError),
  required: placeRules.map(asError),
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
