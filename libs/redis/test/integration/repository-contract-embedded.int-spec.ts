import { mkdtempSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe } from '@jest/globals';
import { KeyBuilder, RedisRepository } from '../../src/index.js';
import { EmbeddedTestServer } from '../../src/testing/embedded-test-server.js';
import { contractSuites } from './support/contract-suites.js';
import { openConnection, type OpenConnection } from './support/open-connection.js';

const CLOCK = join(process.cwd(), 'test/support/clock-of-file.cjs');

/** One after the other, on a clock of our own: a SCAN of this server misses keys while others go. */
describe('RedisRepository keeps the contract on the embedded server', () => {
  const folder = mkdtempSync(join(tmpdir(), 'clock-'));
  const file = join(folder, 'clock');
  let ahead = 0;
  let server: EmbeddedTestServer;
  let connection: OpenConnection;
  let spaces = 0;
  const advance = (ms: number) => {
    ahead += ms;
    writeFileSync(file, String(ahead));
  };
  beforeAll(async () => {
    advance(0);
    process.env['CLOCK_FILE'] = file;
    server = await EmbeddedTestServer.start(undefined, ['--require', CLOCK]);
    connection = await openConnection({ url: server.url });
  });
  afterAll(async () => {
    await connection.close();
    await server.stop();
    await rm(folder, { recursive: true });
  });

  const stage: Parameters<typeof contractSuites>[0] = {
    repository: (entity) => {
      const keys = new KeyBuilder({ app: 'test', environment: `space${++spaces}` });
      return new RedisRepository(connection.client, keys, entity);
    },
  };
  contractSuites(stage, async (ms) => advance(ms));
});
