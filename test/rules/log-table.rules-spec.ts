/** The tables of docs/guide/observability.md say which lines are written, and with which fields. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import type { Logger } from '@nestjs/common';
import { RedisTimeoutException } from 'nestjs-redis-data';
import { resolveLogging } from '../../libs/redis/src/nest/logging/log-policy.js';
import { TelemetryLogger } from '../../libs/redis/src/nest/logging/telemetry.logger.js';
import {
  Telemetry,
  type RedisEventOf,
  type RedisEventType,
} from '../../libs/redis/src/telemetry/telemetry.js';

const guide = readFileSync('docs/guide/observability.md', 'utf8');
const LEVELS = ['error', 'warn', 'log', 'debug'] as const;

/** The first two cells of each row of the table after this sentence. */
function tableAfter(sentence: string): [string, string][] {
  const [, rest = ''] = guide.split(`\n${sentence}\n\n`);
  const [table = ''] = rest.split('\n\n');
  return [...table.matchAll(/^\| `(\w+)` +\| (.*?) *\|/gm)].map(([, first = '', second = '']) => [
    first,
    second,
  ]);
}

const error = new RedisTimeoutException({ operation: 'get', key: 'k', timeoutMs: 1 });
const wrongType = Object.assign(new Error("WRONGTYPE 'k'"), { name: 'ReplyError' });
const at = { connection: 'default', durationMs: 1 } as const;
const command = {
  type: 'command',
  ...at,
  command: 'get',
  isBlocking: false,
  key: 'k',
  within: (work: () => void) => {
    work();
  },
} as const;
const cached = { connection: 'default', cache: 'c', key: 'k' } as const;
const invalidation = {
  type: 'cache.invalidation',
  connection: 'default',
  cache: 'c',
  count: 1,
  pending: 0,
} as const;

/** Every type of event, in every variant that is written differently; the compiler misses none. */
const events: { readonly [Type in RedisEventType]: readonly RedisEventOf<Type>[] } = {
  command: [
    command,
    { ...command, durationMs: 1_000 },
    { ...command, failure: { error: wrongType, kind: 'command' } },
    { ...command, failure: { error: wrongType, kind: 'command' } },
    { ...command, failure: { error: wrongType, kind: 'command' } },
  ],
  'connection.ready': [
    { type: 'connection.ready', connection: 'default', endpoint: 'h:1', restored: false },
    { type: 'connection.ready', connection: 'default', endpoint: 'h:1', restored: true },
  ],
  'connection.down': [{ type: 'connection.down', connection: 'default', endpoint: 'h:1', error }],
  'connection.replaced': [
    { type: 'connection.replaced', connection: 'default', endpoint: 'h:1', reason: 'silent' },
  ],
  'connection.warning': (
    [
      'info-forbidden',
      'no-replica-confirms',
      'password-not-needed',
      'users-not-known',
      'wait-refused',
    ] as const
  ).map((about) => ({ type: 'connection.warning', connection: 'default', about })),
  'near.link': [
    { type: 'near.link', connection: 'default', node: 'h:1', state: 'armed' },
    { type: 'near.link', connection: 'default', node: 'h:1', state: 'lost' },
    { type: 'near.link', connection: 'default', node: '', state: 'unavailable', reason: 'why' },
  ],
  'pool.acquire': [
    { type: 'pool.acquire', ...at, inUse: 1 },
    { type: 'pool.acquire', ...at, inUse: 1, error },
  ],
  'pool.release': [{ type: 'pool.release', connection: 'default', inUse: 0, reused: true }],
  batch: [{ type: 'batch', ...at, operation: 'getAll' }],
  repository: [{ type: 'repository', ...at, kind: 'user', operation: 'save', error }],
  'cache.request': [{ type: 'cache.request', ...cached, result: 'hit' }],
  'cache.load': [
    { type: 'cache.load', ...cached, durationMs: 1, outcome: 'filled' },
    { type: 'cache.load', ...cached, durationMs: 1, outcome: 'failed', error },
  ],
  'cache.lease-wait': [{ type: 'cache.lease-wait', ...cached, durationMs: 1 }],
  'cache.invalidation': [
    { ...invalidation, by: 'tag', failed: 0 },
    { ...invalidation, by: 'tag', failed: 1 },
    { ...invalidation, by: 'outbox', failed: 1 },
  ],
  'cache.corrupt': [{ type: 'cache.corrupt', ...cached }],
  'cache.failure': [{ type: 'cache.failure', ...cached, operation: 'read', error }],
  'cache.too-far': [
    { type: 'cache.too-far', connection: 'default', cache: 'c', roundTripMs: 300, timeoutMs: 250 },
  ],
  'cache.breaker': [
    { type: 'cache.breaker', connection: 'default', cache: 'c', state: 'open', error },
    { type: 'cache.breaker', connection: 'default', cache: 'c', state: 'closed' },
  ],
};

/** Makes the library write a line about each of them. */
function writeAll(): { level: string; line: Record<string, unknown> }[] {
  const written: { level: string; line: Record<string, unknown> }[] = [];
  const writer = Object.fromEntries(
    LEVELS.map((level) => [
      level,
      (line: Record<string, unknown>) => {
        written.push({ level, line });
      },
    ]),
  );
  const telemetry = new Telemetry();
  const logger = new TelemetryLogger(telemetry, writer as unknown as Logger);
  logger.follow('default', resolveLogging({ successes: true }));
  for (const event of Object.values(events).flat()) telemetry.announce(event);
  logger.flush();
  return written;
}

describe('the tables of the log in the guide', () => {
  const written = writeAll();

  it('list the lines that are written, with their levels', () => {
    const documented = tableAfter('The lines and their levels:').map((row) => row.join(' '));
    const lines = new Set(written.map(({ level, line }) => `${level} ${String(line['msg'])}`));
    expect(documented.sort()).toEqual([...lines].sort());
  });

  it('list the fields that they have', () => {
    const fields = new Set(written.flatMap(({ line }) => Object.keys(line)));
    const names = tableAfter('The fields:').map(([name]) => name);
    expect(names.sort()).toEqual([...fields].sort());
  });
});
