import { afterEach, describe, expect, it } from '@jest/globals';
import { BuiltApp } from './support/built-app.js';
import { findServerProgram, RecordedServer } from './support/recorded-server.js';

const program = findServerProgram();
const mayBeSkipped = process.env['REQUIRE_REAL_REDIS'] !== '1';
const remedy = 'skipped without a redis-server: sudo apt-get install -y redis-server';

describe('the Redis server that the built application starts', () => {
  let app: BuiltApp | undefined;
  let server: RecordedServer | undefined;

  afterEach(async () => {
    await app?.cleanUp();
    server?.remove();
  });

  const start = async (): Promise<RecordedServer> => {
    if (!program) throw new Error('no redis-server on the PATH and none in REDIS_SERVER_BIN');
    server = new RecordedServer(program);
    app = new BuiltApp({ REDIS_SERVER_BIN: server.program });
    await app.url();
    return server;
  };
  const whenGone = async (recorded: RecordedServer): Promise<number[]> => {
    const deadline = Date.now() + 8_000;
    while (recorded.running().length > 0 && Date.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return recorded.running();
  };
  const real = program !== undefined || !mayBeSkipped;

  (real ? it : it.skip).each(['SIGTERM', 'SIGINT', 'SIGKILL'] as const)(
    `does not outlive a %s of the application${real ? '' : ` (${remedy})`}`,
    async (signal) => {
      const recorded = await start();
      expect(recorded.running()).toHaveLength(1);

      await app?.stop(signal);

      expect(await whenGone(recorded)).toEqual([]);
    },
  );
});
