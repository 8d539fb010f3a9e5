import { setTimeout as sleep } from 'node:timers/promises';

import { Redis } from 'ioredis';
import type { RedisTestServer } from 'nestjs-redis-data/testing';

const PATIENCE_MS = 2_000;

/**
 * Sends one command to one server, over a new connection and not over the wire of the application.
 *
 * @throws Error with the error of Redis, or without an answer within two seconds
 */
export async function ask(server: RedisTestServer, ...args: readonly string[]): Promise<unknown> {
  const { host, password, port, tls } = server;
  const client = new Redis({
    ...{ host, port, protocol: 2, connectTimeout: PATIENCE_MS, commandTimeout: PATIENCE_MS },
    ...(password !== undefined && { password }),
    ...(tls !== undefined && { tls: { ca: tls.ca } }),
    retryStrategy: () => null,
    enableReadyCheck: false,
  });
  client.on('error', () => undefined); // the command fails with it as well
  try {
    const [command = '', ...rest] = args;
    return await client.call(command, ...rest);
  } finally {
    client.disconnect();
  }
}

/** The fields of INFO. */
export async function askInfo(
  server: RedisTestServer,
  section: string,
): Promise<Record<string, string>> {
  const lines = String(await ask(server, 'INFO', section)).split('\r\n');
  const fields = lines.map((line): [string, string] => {
    const [name = '', value = ''] = line.split(':');
    return [name, value];
  });
  return Object.fromEntries(fields);
}

/**
 * Asks until the answer is yes; an error counts as no.
 *
 * @throws Error after a minute
 */
export async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (!(await isSo().catch(() => false))) {
    if (performance.now() > deadline) throw new Error(`waited a minute until ${what}`);
    await sleep(20);
  }
}
