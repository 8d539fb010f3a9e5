/**
 * The users API as the end-to-end tests use it: in this process, with an environment of its own, on
 * whatever Redis the test gives it.
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

import type { NestFastifyApplication } from '@nestjs/platform-fastify';

import { startApplication } from '../apps/users/src/application.js';
import { waitUntil } from './support/time.js';

type Env = Readonly<Record<string, string>>;

export interface UsersApp {
  readonly nest: NestFastifyApplication;
  /** Prefix of the keys of users: `user:{app}:test:`. */
  readonly keyPrefix: string;
  /** Prefix of the keys of e-mails: `unique:{app}:test:user:email:`. */
  readonly emailKeyPrefix: string;
  request(method: Method, path: string, body?: unknown, headers?: Env): Promise<Answer>;
  close(): Promise<void>;
}

type Method = 'DELETE' | 'GET' | 'HEAD' | 'PATCH' | 'POST' | 'PUT';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
  /** The body, if it is JSON. */
  readonly json: unknown;
}

/** A user as the API shows it. */
export interface ShownUser {
  readonly id: string;
  readonly firstName: string;
  readonly lastName: string;
  readonly email: string;
  readonly createdAt: string;
  readonly updatedAt: string;
}

export const ADA = { firstName: 'Ada', lastName: 'Lovelace', email: 'ada@example.com' };

/** Boots the API, with users in Redis unless told otherwise; each has its own key prefix, so that several can share a server. */
export async function startUsersApp(env: Env): Promise<UsersApp> {
  const app = `e2e-${randomUUID().slice(0, 8)}`;
  const nest = await withEnvironment(
    {
      ...{ PORT: '0', LOG_LEVEL: 'silent', LOG_FORMAT: 'json', USERS_STORE: 'redis' },
      ...{ REDIS_KEY_PREFIX: app, REDIS_ENVIRONMENT: 'test' },
      ...env,
    },
    startApplication,
  );
  const { port } = nest.getHttpServer().address() as AddressInfo;
  return {
    nest,
    keyPrefix: `user:${app}:test:`,
    emailKeyPrefix: `unique:${app}:test:user:email:`,
    request: (method, path, body, headers) => request(port, method, path, body, headers),
    close: () => nest.close(),
  };
}

/** The variables that the application reads, but for where the machine keeps its Redis server. */
const OURS =
  /^(REDIS_(?!SERVER_BIN$)|HTTP_|DATABASE_|CACHE_|OPERATOR_|(HOST|PORT|LOG_LEVEL|LOG_FORMAT|USERS_STORE)$)/;

/** Runs with exactly these variables of ours set, whatever the machine's environment says. */
export async function withEnvironment<T>(env: Env, run: () => Promise<T>): Promise<T> {
  const before = process.env;
  const others = Object.entries(before).filter(([name]) => !OURS.test(name));
  process.env = { ...Object.fromEntries(others), ...env };
  try {
    return await run();
  } finally {
    process.env = before;
  }
}

let created = 0;

/** Ada with an e-mail that no other user has, unless the details say otherwise. */
export async function createUser(app: UsersApp, details: object = {}): Promise<ShownUser> {
  const email = `ada-${++created}@example.com`;
  const { status, json } = await app.request('POST', '/users', { ...ADA, email, ...details });
  if (status !== 201) throw new Error(`POST /users answered ${status}`);
  return json as ShownUser;
}

/** Asks again where the cache was passed by, because Redis took too long for it on a busy machine. */
export async function readThroughCache(
  app: UsersApp,
  path: string,
  headers?: Env,
): Promise<Answer> {
  let answer = await app.request('GET', path, undefined, headers);
  await waitUntil('the cache was asked', async () => {
    if (answer.status !== 200 || answer.headers['x-cache'] !== 'BYPASS') return true;
    answer = await app.request('GET', path, undefined, headers);
    return false;
  });
  return answer;
}

/** The pages of all users, by following the links to the next one. */
export async function readAllUsers(app: UsersApp, start: string): Promise<ShownUser[][]> {
  const pages: ShownUser[][] = [];
  let next: string | undefined = start;
  while (next !== undefined) {
    const { status, headers, json } = await app.request('GET', next);
    if (status !== 200) throw new Error(`GET ${next} answered ${status}`);
    pages.push(json as ShownUser[]);
    next = /^<(.*)>; rel="next"$/.exec(String(headers['link']))?.[1];
  }
  return pages;
}

/**
 * Over a real socket, and with `node:http`, because `fetch` tidies up paths such as `/users/%2e%2e`. A
 * body that is a string is sent as it is, anything else as JSON.
 */
async function request(
  port: number,
  method: Method,
  path: string,
  body?: unknown,
  headers: Env = {},
): Promise<Answer> {
  const type = body === undefined ? {} : { 'content-type': 'application/json' };
  const outgoing = http.request({
    host: '127.0.0.1',
    port,
    method,
    path,
    headers: { ...type, ...headers, connection: 'close' },
  });
  outgoing.end(body === undefined || typeof body === 'string' ? body : JSON.stringify(body));
  const [response] = (await once(outgoing, 'response')) as [http.IncomingMessage];
  const content = await text(response);
  const isJson = (response.headers['content-type'] ?? '').includes('json') && content !== '';
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    text: content,
    json: isJson ? (JSON.parse(content) as unknown) : undefined,
  };
}
