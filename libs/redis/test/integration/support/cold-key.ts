import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { RedisCache } from '../../../src/cache/redis-cache.js';
import { KeyBuilder } from '../../../src/index.js';
import { startRedis } from '../../../src/testing/index.js';
import { openConnection } from './open-connection.js';
import { pass } from '../../../../../test/support/time.js';

const CHILD = join(process.cwd(), 'libs/redis/test/integration/support/cold-key-child.cjs');

/** How often the loader was called, by whatever process. */
const LOADS = 'loads';

/** A lease lives for the two together. */
export const LOAD_TIMEOUT_MS = 1_500;
export const TIMEOUT_MS = 1_500;

export interface ColdKeyOptions {
  readonly processes: number;
  /** In each process. */
  readonly callers: number;
  readonly loadMs: number;
  /** Whether the process that loads is killed in the middle of it. */
  readonly kill: boolean;
}

export interface ColdKeyResult {
  readonly loads: number;
  /** Who was given the value. */
  readonly answered: number;
  /** From the moment that all were told to ask until the last one was answered. */
  readonly tookMs: number;
}

type Report = { readonly type: 'ready' | 'loading' } | { readonly type: 'done'; answered: number };

/** Lets many processes, each with many callers, ask at once for a key that is not cached yet. */
export async function askForColdKey(options: ColdKeyOptions): Promise<ColdKeyResult> {
  const { processes, callers, loadMs, kill } = options;
  await using server = await startRedis();
  const args = [server.port, callers, loadMs].map(String);
  const children = Array.from({ length: processes }, () => fork(CHILD, args));
  try {
    await Promise.all(children.map((child) => reported(child, 'ready')));
    let victim: ChildProcess | undefined;
    for (const child of children) {
      void reported(child, 'loading').then(async () => {
        if (!kill || victim) return;
        victim = child;
        await pass(loadMs / 2); // in the middle of it
        child.kill('SIGKILL');
      });
    }
    const startedAt = performance.now();
    const answers = children.map(async (child) => {
      child.send('ask');
      const done = reported(child, 'done').then((report) =>
        'answered' in report ? report.answered : 0,
      );
      return Promise.race([done, once(child, 'exit').then(() => 0)]);
    });
    const answered = (await Promise.all(answers)).reduce((sum, n) => sum + n);
    const tookMs = performance.now() - startedAt;
    const client = new Redis(server.port, server.host);
    const loads = Number(await client.get(LOADS));
    client.disconnect();
    return { loads, answered, tookMs };
  } finally {
    for (const child of children) child.kill('SIGKILL');
  }
}

/** What the processes are made of. */
export async function askInChild(options: {
  readonly port: number;
  readonly callers: number;
  readonly loadMs: number;
}): Promise<void> {
  const report = (message: Report) => process.send?.(message);
  process.once('disconnect', () => process.exit()); // the parent has ended
  const { client } = await openConnection({ host: '127.0.0.1', port: options.port });
  const cache = new RedisCache(client, new KeyBuilder({ app: 'cold', environment: 'test' }), {
    loadTimeout: `${LOAD_TIMEOUT_MS}ms`,
    timeout: `${TIMEOUT_MS}ms`,
  });
  const loader = async () => {
    report({ type: 'loading' });
    await client.incr(LOADS);
    await pass(options.loadMs);
    return 'value';
  };
  const ask = () => cache.getOrLoad('cold', loader, { tags: ['tag'] });
  report({ type: 'ready' });
  await once(process, 'message');
  const values = await Promise.all(Array.from({ length: options.callers }, ask));
  report({ type: 'done', answered: values.filter((value) => value === 'value').length });
}

async function reported(child: ChildProcess, type: Report['type']): Promise<Report> {
  for (;;) {
    const [report] = (await once(child, 'message')) as [Report];
    if (report.type === type) return report;
  }
}
