import type { Files } from './source-tree.js';

/** A tree in which every file is where it belongs: each breach below is one step away from it. */
export const soundTree: Files = {
  'libs/redis/src/index.ts': "export { module } from './nest/redis.module.js';",
  'libs/redis/src/errors/redis.exception.ts': 'export const exception = 1;',
  'libs/redis/src/time/duration.ts': "export { exception } from '../errors/redis.exception.js';",
  'libs/redis/src/telemetry/events.ts': 'export const events = 1;',
  'libs/redis/src/connection/driver/create-client.ts': `
    import { Redis } from 'ioredis';
    import { events } from '../../telemetry/events.js';
    export const factory = [Redis, events];`,
  'libs/redis/src/batch/batch.ts': `
    import type { Redis } from 'ioredis';
    import { factory } from '../connection/driver/create-client.js';
    export const batch = (redis: Redis): unknown => [redis, factory];`,
  'libs/redis/src/cache/cache.ts': `
    import { flight } from './load/flight.js';
    export { batch as cache } from '../batch/batch.js';
    export const flights = [flight];`,
  'libs/redis/src/cache/load/flight.ts': 'export const flight = 1;',
  'libs/redis/src/cache/load/flight.spec.ts': "import '../cache.js'; import './flight.js';",
  'libs/redis/src/nest/redis.module.ts': `
    import { Module } from '@nestjs/common';
    import { cache } from '../cache/cache.js';
    export const module = [Module, cache];`,
  'libs/redis/src/health/index.ts': `
    import { HealthIndicatorService } from '@nestjs/terminus';
    export { module } from '../nest/redis.module.js';
    export const health = HealthIndicatorService;`,
  'libs/redis/src/tracing/index.ts': `
    import { trace } from '@opentelemetry/api';
    export { events } from '../telemetry/events.js';
    export const tracing = trace;`,
  'libs/redis/src/metrics/index.ts': `
    import { register } from 'prom-client';
    export { module } from '../nest/redis.module.js';
    export const metrics = register;`,
  'libs/redis/src/embedded/index.ts': "export { resolve } from './resolve-redis.js';",
  'libs/redis/src/embedded/resolve-redis.ts': `
    import { spawn } from 'node:child_process';
    export const resolve = spawn;`,
  'libs/redis/src/testing/index.ts': "export { resolve } from '../embedded/resolve-redis.js';",
  'libs/redis/test/integration/module.int-spec.ts': "import '../../src/nest/redis.module.js';",
  'apps/users/src/main.ts': `
    import { module } from 'nestjs-redis-data';
    import { resolve } from 'nestjs-redis-data/embedded';
    import { UsersController } from './users/users.controller.js';
    export const app = [module, resolve, UsersController];`,
  'apps/users/src/users/users.controller.ts': `
    import { users } from './users.service.js';
    export const UsersController = users;`,
  'apps/users/src/users/users.service.ts': "export { users } from './user.repository.js';",
  'apps/users/src/users/user.repository.ts': 'export const users = 1;',
  'test/users.e2e-spec.ts': "import { module } from 'nestjs-redis-data'; void module;",
};

export interface Breach {
  readonly rule: string;
  /** A second rule that the same deed cannot help breaking. */
  readonly alsoBreaks?: string;
  /** Describes the change, as in "it catches ...". */
  readonly deed: string;
  /** Added to the sound tree, or put in the place of its files. */
  readonly files: Files;
}

const src = 'libs/redis/src';
const users = 'apps/users/src';

export const breaches: readonly Breach[] = [
  {
    rule: 'every-file-has-a-module',
    deed: 'a folder that is no module',
    files: { [`${src}/utils/strings.ts`]: 'export const trim = 1;' },
  },
  {
    rule: 'every-file-has-a-module',
    deed: 'a file outside of the modules',
    files: { [`${src}/helpers.ts`]: 'export const help = 1;' },
  },
  {
    rule: 'no-barrel-in-a-module',
    deed: 'an index.ts in a module',
    files: { [`${src}/errors/index.ts`]: "export * from './redis.exception.js';" },
  },
  {
    rule: 'no-barrel-in-a-module',
    deed: 'an index.ts in a folder of an entry point',
    files: { [`${src}/testing/contract/index.ts`]: 'export const contract = 1;' },
  },
  {
    rule: 'no-barrel-in-a-module',
    deed: 'an index.ts in a folder of the sample',
    files: { [`${users}/users/index.ts`]: "export * from './users.service.js';" },
  },
  {
    rule: 'no-build-output-beside-sources',
    deed: 'a compiled file beside its source',
    files: { [`${src}/time/duration.js`]: 'exports.stale = 1;' },
  },
  {
    rule: 'index-never-reaches-an-entry-point',
    deed: 'the main entry exporting another entry point',
    files: {
      [`${src}/index.ts`]: "export { wait } from './testing/wait.js';",
      [`${src}/testing/wait.ts`]: 'export const wait = 1;',
    },
  },
  {
    rule: 'index-never-reaches-an-optional-peer',
    deed: 'the main entry leading to an optional package through a module',
    files: {
      [`${src}/nest/redis.module.ts`]: `
        import { HealthIndicatorService } from '@nestjs/terminus';
        export const module = HealthIndicatorService;`,
    },
  },
  {
    rule: 'index-never-reaches-an-optional-peer',
    deed: 'the main entry counting for Prometheus by itself',
    files: {
      [`${src}/nest/redis.module.ts`]: `
        import { register } from 'prom-client';
        export const module = register;`,
    },
  },
  {
    rule: 'optional-peers-are-loaded-on-demand',
    deed: 'a value of class-validator imported by an entity',
    files: {
      [`${src}/repository/validator.ts`]: `
        import { validate, type ValidationError } from 'class-validator';
        export const check: (entity: object) => Promise<ValidationError[]> = validate;`,
    },
  },
  {
    rule: 'optional-peers-are-loaded-on-demand',
    deed: 'an optional package that another file of peers/ requires',
    files: {
      [`${src}/peers/other.cts`]: "exports.load = () => require('class-transformer');",
    },
  },
  {
    rule: 'nest-only-in-upper-layers',
    deed: 'Nest in a module of the core',
    files: {
      [`${src}/cache/cached.ts`]:
        "import { Injectable } from '@nestjs/common'; export { Injectable };",
    },
  },
  {
    rule: 'nest-only-in-upper-layers',
    deed: 'Nest in a unit test of the core',
    files: { [`${src}/cache/cache.spec.ts`]: "import '@nestjs/common';" },
  },
  {
    rule: 'only-entry-points-start-processes',
    deed: 'a process started from a module of the core',
    files: { [`${src}/connection/start.ts`]: "export { spawn } from 'node:child_process';" },
  },
  {
    rule: 'only-entry-points-start-processes',
    deed: 'a process started from the sample, without the node: prefix',
    files: { [`${users}/start.ts`]: "export { spawn } from 'child_process';" },
  },
  {
    rule: 'nothing-imports-the-embedded-server',
    deed: 'the embedded server imported on demand',
    files: {
      [`${src}/embedded/start.ts`]: "export const server = () => import('js-redis-server');",
    },
  },
  {
    rule: 'ioredis-values-only-in-driver',
    deed: 'a client created in a layer above',
    files: { [`${src}/batch/client.ts`]: "import { Redis } from 'ioredis'; export { Redis };" },
  },
  {
    rule: 'ioredis-values-only-in-driver',
    deed: 'a client created beside the driver',
    files: {
      [`${src}/connection/connection.ts`]: "import { Redis } from 'ioredis'; export { Redis };",
    },
  },
  {
    rule: 'ioredis-values-only-in-driver',
    deed: 'a value imported beside a type import',
    files: {
      [`${src}/batch/client.ts`]: `
        import type { Redis } from 'ioredis';
        import { Cluster } from 'ioredis';
        export const client = (redis: Redis): unknown => [redis, Cluster];`,
    },
  },
  {
    rule: 'only-tracing-knows-opentelemetry',
    deed: 'a span made in a module of the core',
    files: {
      [`${src}/cache/span.ts`]: "import { trace } from '@opentelemetry/api'; export { trace };",
    },
  },
  {
    rule: 'library-declares-what-it-imports',
    deed: 'a package that is there by luck',
    files: { [`${src}/time/pad.ts`]: "export { pad } from 'left-pad';" },
  },
  {
    rule: 'apps-import-the-package-by-name',
    deed: 'the sample reaching into the source',
    files: {
      [`${users}/reach.ts`]: "export * from '../../../libs/redis/src/nest/redis.module.js';",
    },
  },
  {
    rule: 'apps-import-the-package-by-name',
    deed: 'an end-to-end test reaching for the main entry as a file',
    files: { 'test/reach.e2e-spec.ts': "import '../libs/redis/src/index.js';" },
  },
  {
    rule: 'apps-use-entry-points',
    deed: 'an alias that leads past the entry points',
    files: {
      'tsconfig.json': JSON.stringify({
        compilerOptions: {
          module: 'nodenext',
          paths: {
            'nestjs-redis-data': ['./libs/redis/src/index.ts'],
            'nestjs-redis-data/*': ['./libs/redis/src/*'],
          },
        },
      }),
      [`${users}/main.ts`]: "export * from 'nestjs-redis-data/nest/redis.module.ts';",
    },
  },
  {
    rule: 'controllers-never-import-repositories',
    deed: 'a controller that asks the repository, if only for a type',
    files: {
      [`${users}/users/users.controller.ts`]: `
        import type { users } from './user.repository.js';
        export const UsersController = (repository: typeof users): unknown => repository;`,
    },
  },
  {
    rule: 'libs-know-no-apps',
    deed: 'an integration test that borrows from the sample',
    files: {
      'libs/redis/test/integration/app.int-spec.ts':
        "import '../../../../apps/users/src/users/users.service.js';",
    },
  },
  {
    rule: 'src-knows-no-tests',
    deed: 'source that imports a test',
    files: {
      [`${users}/fixture.ts`]: "export * from './users/users.spec.js';",
      [`${users}/users/users.spec.ts`]: 'export const fixture = 1;',
    },
  },
  {
    rule: 'src-knows-no-tests',
    deed: 'source that imports test support',
    files: {
      [`${src}/testing/fixture.ts`]: "export * from '../../test/support/fixture.js';",
      'libs/redis/test/support/fixture.ts': 'export const fixture = 1;',
    },
  },
  {
    rule: 'no-cycle',
    alsoBreaks: 'no-cycle-between-parts',
    deed: 'two files that import each other',
    files: {
      [`${src}/keys/build.ts`]: "import { parse } from './parse.js'; export const build = [parse];",
      [`${src}/keys/parse.ts`]: "import { build } from './build.js'; export const parse = [build];",
    },
  },
  {
    rule: 'no-folder-cycle',
    alsoBreaks: 'no-cycle-between-parts',
    deed: 'two folders that need each other, without a cycle of files',
    files: {
      [`${src}/cache/store/write.ts`]: "export * from '../tags/version.js';",
      [`${src}/cache/tags/version.ts`]: 'export const version = 1;',
      [`${src}/cache/tags/touch.ts`]: "export * from '../store/read.js';",
      [`${src}/cache/store/read.ts`]: 'export const read = 1;',
    },
  },
  {
    rule: 'no-cycle-between-parts',
    deed: 'a file of a module and a subfolder that need each other, without a cycle of files',
    files: {
      [`${src}/cache/load/lease.ts`]: "export * from '../cache.js';",
    },
  },
  {
    rule: 'no-cycle-between-parts',
    deed: 'a cycle of two files and a subfolder, deep in a module',
    files: {
      [`${src}/nest/http/plan/plan.ts`]: "export * from './rules/rule.js';",
      [`${src}/nest/http/plan/rules/rule.ts`]: 'export const rule = 1;',
      [`${src}/nest/http/plan/rules/names.ts`]: "export * from '../words.js';",
      [`${src}/nest/http/plan/words.ts`]: "export * from './plan.js';",
    },
  },
  {
    rule: 'no-cycle-between-parts',
    deed: 'a cycle between a file and a folder of the sample',
    files: {
      [`${users}/http/filter.ts`]: "export * from '../problem.js';",
      [`${users}/http/pipe.ts`]: 'export const pipe = 1;',
      [`${users}/problem.ts`]: "export * from './http/pipe.js';",
    },
  },
  {
    rule: 'everything-resolves',
    deed: 'an import that leads nowhere',
    files: { [`${src}/keys/lost.ts`]: "export * from './nowhere.js';" },
  },
  {
    rule: 'everything-resolves',
    deed: 'a file of the package that is no entry point',
    files: { [`${users}/deep.ts`]: "export * from 'nestjs-redis-data/nest/redis.module.js';" },
  },
];
