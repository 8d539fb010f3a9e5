import { expect } from '@jest/globals';

import { ADA, type UsersApp } from '../users-app.js';
import { timed } from './time.js';

/** Answer of each endpoint that needs the database, while it is away. */
export const UNAVAILABLE = {
  status: 503,
  headers: { 'content-type': 'application/problem+json; charset=utf-8', 'retry-after': '2' },
  json: {
    type: 'urn:users-api:database-unavailable',
    title: 'Service Unavailable',
    status: 503,
    detail: 'The service cannot reach its data at the moment. Please try again shortly.',
    code: 'DATABASE_UNAVAILABLE',
  },
};

/** Short, so that an outage is noticed soon. */
export const SHORT_TIMEOUTS = {
  DATABASE_CONNECT_TIMEOUT: '500ms',
  DATABASE_STATEMENT_TIMEOUT: '500ms',
};

/** Far beyond those, and far below what a request without them takes. */
export const BOUNDED_MS = 20_000;

/** Every endpoint that needs the database says so in time, and nothing of the inside. */
export async function expectUnavailable(app: UsersApp, id = 'x'): Promise<void> {
  const { ms, result } = await timed(() =>
    Promise.all([
      app.request('POST', '/users', { ...ADA, email: 'unavailable@example.com' }),
      app.request('GET', `/users/${id}`),
      app.request('GET', '/users'),
      app.request('PATCH', `/users/${id}`, { lastName: 'King' }),
      app.request('DELETE', `/users/${id}`),
    ]),
  );
  for (const answer of result) {
    expect(answer).toMatchObject(UNAVAILABLE);
    expect(answer.text).not.toMatch(/127\.0\.0\.1|localhost|SELECT|INSERT|WHERE|postgres/i);
  }
  expect(ms).toBeLessThan(BOUNDED_MS);
}
