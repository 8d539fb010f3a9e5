import { expect, it } from '@jest/globals';
import { Telemetry } from '../telemetry/telemetry.js';
import { ClientRegistry } from './connections.js';
import { resolveOptions } from './options/resolve-options.js';

it('opens nothing once it was closed', async () => {
  const registry = new ClientRegistry(new Telemetry());
  await registry.closeAll();
  await expect(registry.open(resolveOptions({}))).rejects.toMatchObject({
    name: 'RedisConnectionException',
    message: 'The connection "default" was not opened: the application is already closing.',
  });
});

it('connects in the background when the boot is complete, and not before', async () => {
  const registry = new ClientRegistry(new Telemetry());
  const client = await registry.open(resolveOptions({ host: '127.0.0.1', port: 1 }));
  expect(client.status).toBe('wait');
  await registry.closeAll();
  registry.connectInBackground();
  expect(client.status).toBe('end');
});

it('tells who watches the connections when all are closed, or at once if they are', async () => {
  const registry = new ClientRegistry(new Telemetry());
  const client = await registry.open(resolveOptions({ host: '127.0.0.1', port: 1 }));
  const seen: string[] = [];
  registry.closeLast(() => seen.push(`last: ${client.status}`));
  registry.closeFirst(async () => {
    await Promise.resolve();
    seen.push(`first: ${client.status}`);
  });
  await registry.closeAll();
  expect(seen).toEqual(['first: wait', 'last: end']);
  registry.closeLast(() => seen.push('late'));
  expect(seen).toHaveLength(3);
});
