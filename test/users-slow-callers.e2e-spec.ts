/** The API with callers that take their time, or speak no HTTP. */
import { once } from 'node:events';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';

import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { startRedis, type RedisTestServer } from 'nestjs-redis-data/testing';

import { startUsersApp, type UsersApp } from './users-app.js';

const POST =
  'POST /users HTTP/1.1\r\nHost: api\r\nContent-Type: application/json\r\nContent-Length: 90\r\n\r\n';

describe('users API, slow and broken callers', () => {
  let server: RedisTestServer;
  let app: UsersApp;
  const sockets: Socket[] = [];

  beforeAll(async () => {
    server = await startRedis();
    app = await startUsersApp({
      REDIS_URL: server.url,
      HTTP_REQUEST_TIMEOUT: '500ms',
      HTTP_MAX_IN_FLIGHT: '1',
    });
  });

  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.destroy();
  });

  afterAll(async () => {
    await app.close();
    await server.stop();
  });

  async function send(start: string): Promise<Socket> {
    const { port } = app.nest.getHttpServer().address() as AddressInfo;
    const socket = connect(port, '127.0.0.1');
    sockets.push(socket);
    await once(socket, 'connect');
    socket.write(start);
    return socket;
  }

  it.each([
    ['whose body does not come', POST],
    ['whose body stops in the middle', `${POST}{"firstName":`],
    ['whose headers do not end', 'GET /users HTTP/1.1\r\nHost: api\r\n'],
  ])('closes all connections of requests %s', async (_, start) => {
    const slow = await Promise.all(Array.from({ length: 20 }, () => send(start)));

    const answers = await Promise.all(slow.map((socket) => text(socket)));

    for (const answer of answers) {
      expect(answer).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/);
      expect(answer).toMatch(/\r\ncontent-type: application\/problem\+json/i);
      const [, body = ''] = answer.split('\r\n\r\n');
      expect(JSON.parse(body)).toMatchObject({ status: 408, title: 'Request Timeout' });
    }
  });

  it('answers others while a body is on its way, even if only one may be worked on', async () => {
    await send(`${POST}{"firstName":`);

    const { status } = await app.request('GET', '/users?ids=1');

    expect(status).toBe(200);
  });

  it.each([
    [400, 'is no HTTP', 'HELO\r\n\r\n'],
    [
      431,
      'has too many headers',
      `GET / HTTP/1.1\r\nHost: api\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`,
    ],
  ])('answers with problem %d what %s', async (status, _, bytes) => {
    const answer = await text(await send(bytes));

    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(answer).toContain('Content-Type: application/problem+json');
    expect(answer).not.toMatch(/HPE_|node_modules|Error:/);
  });
});
