import { fork } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { join } from 'node:path';
import { RedisCache } from '../../../src/cache/redis-cache.js';
import { KeyBuilder } from '../../../src/index.js';
import { openConnection } from './open-connection.js';

const CHILD = join(process.cwd(), 'libs/redis/test/integration/support/lease-holder-child.cjs');

/** Another process, whose loaders run and hold leases. */
export interface LeaseHolder {
  /** Lets the loader of an entry return this value, and waits until its caller was answered. */
  finish(name: string, value: string): Promise<void>;
  /** SIGKILL. Resolves when it is gone. */
  kill(): Promise<void>;
}

export interface LeaseHolderOptions {
  /** Of its keys. */
  readonly environment: string;
  /** Which entries it loads, and the port that it reaches Redis by for each. */
  readonly entries: Readonly<Record<string, number>>;
}

interface Order {
  readonly name: string;
  readonly value: string;
}
interface Report {
  readonly type: 'loading' | 'answered';
  readonly name: string;
}

export async function startLeaseHolder(options: LeaseHolderOptions): Promise<LeaseHolder> {
  const entries = Object.entries(options.entries).map(([name, port]) => `${name}=${port}`);
  const child = fork(CHILD, [options.environment, ...entries]);
  const reports = new EventEmitter();
  child.on('message', ({ type, name }: Report) => reports.emit(`${type} ${name}`));
  const exited = once(child, 'exit');
  const failed = exited.then(() => {
    throw new Error('the process that should hold the leases has ended');
  });
  failed.catch(() => undefined);
  const loading = Object.keys(options.entries).map((name) => once(reports, `loading ${name}`));
  await Promise.race([Promise.all(loading), failed]);
  return {
    finish: async (name, value) => {
      const answered = once(reports, `answered ${name}`);
      child.send({ name, value } satisfies Order);
      await Promise.race([answered, failed]);
    },
    kill: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

/** What the process is made of. */
export async function holdInChild(environment: string, entries: readonly string[]): Promise<void> {
  process.once('disconnect', () => process.exit()); // the parent has ended
  const keys = new KeyBuilder({ app: 'test', environment });
  const orders = new EventEmitter();
  process.on('message', ({ name, value }: Order) => orders.emit(name, value));
  const hold = async (entry: string) => {
    const [name = '', port] = entry.split('=');
    const report = (type: Report['type']) => process.send?.({ type, name } satisfies Report);
    const { client } = await openConnection({ host: '127.0.0.1', port: Number(port) });
    const cache = new RedisCache(client, keys, { timeout: '2s', loadTimeout: '10m' });
    await cache.getOrLoad(name, async () => {
      const order = once(orders, name);
      report('loading');
      const [value] = (await order) as [string];
      return value;
    });
    report('answered');
  };
  await Promise.all(entries.map(hold));
}
