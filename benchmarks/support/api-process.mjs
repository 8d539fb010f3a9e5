/** Starts the built sample as a process of its own, for a benchmark. */
import { once } from 'node:events';
import { createServer } from 'node:net';

export async function isAnswered(url) {
  try {
    return (await fetch(url)).ok;
  } catch {
    return false;
  }
}

export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}
