/** The variables that the code reads, those in `.env.example` and those in the guide are the same. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { variablesReadIn } from './environment-variables.js';

/** Set by the machine, not in the configuration of the application. */
const ofTheMachine = ['PATH', 'HOME', 'TMPDIR'];
/** Read by the tests' own Redis, which no application starts; CONTRIBUTING.md speaks of it. */
const ofTheTests = ['REQUIRE_REAL_REDIS'];

const read = variablesReadIn(['libs/redis/src', 'apps/users/src']).filter(
  (name) => !ofTheMachine.includes(name) && !ofTheTests.includes(name),
);
/** For `resolveRedis`, which the sample calls; an application that does not call it ignores them. */
const ofAStartedServer = ['REDIS_EMBEDDED', 'REDIS_SERVER_BIN'];
/** `NODE_ENV` is only the default of another variable there. */
const ofAConnection = variablesReadIn(['libs/redis/src/connection']).filter(
  (name) => name !== 'NODE_ENV' && read.includes(name) && !ofAStartedServer.includes(name),
);
const ROW = /^\| *`([A-Z][A-Z0-9_]+)` *\|/gm;
const namesIn = (file: string, line: RegExp): string[] =>
  [...new Set([...readFileSync(file, 'utf8').matchAll(line)].map(([, name = '']) => name))].sort();

describe('the environment variables', () => {
  it('are found in the code at all', () => {
    expect(read).toEqual(expect.arrayContaining(['REDIS_URL', 'REDIS_DEFAULT_TTL', 'PORT']));
  });

  it('are each in .env.example, and nothing else is', () => {
    expect(namesIn('.env.example', /^#? ?([A-Z][A-Z0-9_]+)=/gm)).toEqual(read);
  });

  it('of a connection are in the table of the library, and nothing else is', () => {
    expect(namesIn('docs/guide/configuration.md', ROW)).toEqual(ofAConnection);
  });

  it('that only the sample reads are in its own table, and nothing else is', () => {
    const ofTheSample = read.filter((name) => !ofAConnection.includes(name));
    expect(namesIn('docs/guide/sample.md', ROW)).toEqual(ofTheSample);
  });
});
