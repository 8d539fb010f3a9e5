import type { AddressInfo, Server, Socket } from 'node:net';

/** A Redis server written in JavaScript that runs inside this process, on 127.0.0.1. */
export interface EmbeddedServer {
  readonly port: number;
  /** Closes the server and all its connections at once, and discards its data. */
  stop(): Promise<void>;
}

export interface EmbeddedServerOptions {
  /** @default any free port */
  readonly port?: number;
  readonly password?: string;
}

/**
 * Starts js-redis-server, an optional peer (43 ms to load, 6 ms to listen). The server does not keep the
 * process alive.
 *
 * @throws Error saying that js-redis-server is not installed, or why it does not load
 * @internal
 */
export async function startEmbeddedServer(
  options: EmbeddedServerOptions = {},
): Promise<EmbeddedServer> {
  const { createRedisCommandExecutor, RedisServerState, Resp2Server } = await load();
  const state = new RedisServerState({
    databaseCount: 16,
    ...(options.password !== undefined && { requirepass: options.password }),
  });
  // createRedisServer() and listen() of js-redis-server would bind every network interface.
  const { server } = new Resp2Server({ server: state, executor: createRedisCommandExecutor() });
  const sockets = trackSockets(server);
  await listenOnLoopback(server, options.port ?? 0);
  server.unref();
  let stopped: Promise<void> | undefined;
  return {
    port: (server.address() as AddressInfo).port,
    stop: () => (stopped ??= close(server, sockets).finally(() => state.close())),
  };
}

async function load(): Promise<typeof import('js-redis-server/core')> {
  try {
    return await import('js-redis-server/core');
  } catch (cause) {
    throw new Error(`the embedded server cannot be used: ${explain(cause)}`, { cause });
  }
}

function explain(error: unknown): string {
  const { code, message } = error as { code?: unknown; message?: unknown };
  const isMissing = code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND';
  return isMissing ? 'the package js-redis-server is not installed' : String(message ?? error);
}

/** The server's own close() waits until all clients have left; pooled clients never do. */
function trackSockets(server: Server): Set<Socket> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    socket.unref();
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  return sockets;
}

function listenOnLoopback(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, host: '127.0.0.1' }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function close(server: Server, sockets: ReadonlySet<Socket>): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    for (const socket of sockets) socket.destroy();
  });
}
