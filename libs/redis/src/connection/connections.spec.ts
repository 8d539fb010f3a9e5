import { expect, it } from '@jest/globals';
import { Telemetry } from '../telemetry/telemetry.js';
import { Connections } from './connections.js';
import { resolveOptions } from './options/resolve-options.js';

it('opens nothing once it was closed', async () => {
  const connections = new Connections(new Telemetry());
  await connections.closeAll();
  await expect(connections.open(resolveOptions({}))).rejects.toMatchObject({
    name: 'RedisConnectionException',
    message: 'The connection "default" was not opened: the application is already closing.',
  });
});

it('connects in the background when the boot is complete, and not before', async () => {
  const connections = new Connections(new Telemetry());
  const client = await connections.open(resolveOptions({ host: '127.0.0.1', port: 1 }));
  expect(client.status).toBe('wait');
  await connections.closeAll();
  connections.connectInBackground();
  expect(client.status).toBe('end');
});

it('closes what uses a connection before the connection, and says when all is closed', async () => {
  const connections = new Connections(new Telemetry());
  const client = await connections.open(resolveOptions({ host: '127.0.0.1', port: 1 }));
  const seen: string[] = [];
  connections.use(client, {
    name: 'posts',
    isBypassed: false,
    async close() {
      await Promise.resolve();
      seen.push(`user: ${client.status}`);
    },
  });
  const ended = connections.closed.then(() => seen.push(`closed: ${client.status}`));
  await connections.closeAll();
  await ended;
  expect(seen).toEqual(['user: wait', 'closed: end']);
});

it('refuses a second user of one name, whichever connection it uses', async () => {
  const connections = new Connections(new Telemetry());
  const client = await connections.open(resolveOptions({ host: '127.0.0.1', port: 1 }));
  const other = await connections.open(resolveOptions({ host: '127.0.0.1', port: 1 }, 'other'));
  const user = { name: 'posts', isBypassed: false, close: () => Promise.resolve() };
  connections.use(client, user);
  expect(connections.usersOf(client)).toEqual([user]);
  expect(connections.usersOf(other)).toEqual([]);
  expect(() => {
    connections.use(other, user);
  }).toThrow('RedisModule.forCache');
  await connections.closeAll();
});
