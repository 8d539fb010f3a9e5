import { afterEach, expect, it } from '@jest/globals';
import { describeWithRealRedis } from '../support/real-redis.js';
import { waitUntil } from '../support/time.js';
import { BuiltApp } from './support/built-app.js';
import { RecordedServer } from './support/recorded-server.js';

describeWithRealRedis('the Redis server that the built application starts', () => {
  let app: BuiltApp | undefined;
  let server: RecordedServer | undefined;

  afterEach(async () => {
    await app?.cleanUp();
    server?.remove();
  });

  it.each(['SIGTERM', 'SIGINT', 'SIGKILL'] as const)(
    'does not outlive a %s of the application',
    async (signal) => {
      server = new RecordedServer(process.env['REDIS_SERVER_BIN'] ?? '');
      app = new BuiltApp({ REDIS_SERVER_BIN: server.program });
      await app.url();
      const recorded = server;
      expect(recorded.running()).toHaveLength(1);

      await app.stop(signal);

      await waitUntil('it is gone', () => recorded.running().length === 0);
    },
  );
});
