import { afterAll, beforeAll, describe } from '@jest/globals';
import { KeyBuilder, RedisRepository } from '../../src/index.js';
import { EmbeddedTestServer } from '../../src/testing/embedded-test-server.js';
import { contractSuites } from './support/contract-suites.js';
import { openConnection, type OpenConnection } from './support/open-connection.js';

interface OuterClock {
  advance(ms: number): void;
  reset(): void;
}

const { requireOutsideOfJest } = globalThis as unknown as {
  requireOutsideOfJest(path: string): OuterClock;
};
const clock = requireOutsideOfJest('./outer-clock.cjs');

/** One after the other, on a clock of our own: a SCAN of this server misses keys while others go. */
describe('RedisRepository keeps the contract on the embedded server', () => {
  let server: EmbeddedTestServer;
  let connection: OpenConnection;
  let spaces = 0;
  beforeAll(async () => {
    server = await EmbeddedTestServer.start(undefined);
    connection = await openConnection({ url: server.url });
  });
  afterAll(async () => {
    clock.reset();
    await connection.close();
    await server.stop();
  });

  const stage: Parameters<typeof contractSuites>[0] = {
    repository: (entity) => {
      const keys = new KeyBuilder({ app: 'test', environment: `space${++spaces}` });
      return new RedisRepository(connection.client, keys, entity);
    },
  };
  contractSuites(stage, async (ms) => clock.advance(ms));
});
