import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { RedisCache } from '../../../src/cache/redis-cache.js';
import type { CacheChange } from '../../../src/cache/cache-options.js';
import { KeyBuilder, type RedisModuleOptions } from '../../../src/index.js';
import { openConnection } from './open-connection.js';

const CHILD = join(process.cwd(), 'libs/redis/test/integration/support/dying-writer-child.cjs');

export interface DyingWriterOptions {
  readonly connection: RedisModuleOptions;
  /** Of its keys. */
  readonly environment: string;
  readonly what: CacheChange;
}

/** Another process, in the middle of a change that it never ends. */
export interface DyingWriter {
  /** SIGKILL. Resolves when it is gone. */
  kill(): Promise<void>;
}

/** Resolves when the work of the change has begun. */
export async function startDyingWriter(options: DyingWriterOptions): Promise<DyingWriter> {
  const child = fork(CHILD, [JSON.stringify(options)]);
  const exited = once(child, 'exit');
  const failed = exited.then(() => {
    throw new Error('the process that should make the change has ended');
  });
  failed.catch(() => undefined);
  await Promise.race([once(child, 'message'), failed]);
  return {
    kill: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

/** The work of the child process. */
export async function changeInChild(options: DyingWriterOptions): Promise<void> {
  process.once('disconnect', () => process.exit()); // the process that would kill it is gone
  const { client } = await openConnection(options.connection);
  const keys = new KeyBuilder({ app: 'test', environment: options.environment });
  const cache = new RedisCache(client, keys, { timeout: '5s', changeTtl: '1s' });
  await cache.change(options.what, async () => {
    process.send?.('begun');
    await new Promise(() => undefined);
  });
}
