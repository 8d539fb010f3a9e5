import { join } from 'node:path';
import { openDataFolder } from './data-folder.js';
import type { ServerBinary } from './find-server-binary.js';
import { startServerProcess } from './server-process.js';

export interface LocalServer {
  readonly port: number;
  readonly description: string;
  stop(): Promise<void>;
}

/** Long enough to write out a development data set. */
const STOP_DEADLINE_MS = 10_000;

/**
 * Runs the machine's own Redis for development: on loopback only, without password, in protected
 * mode. Each version has its own folder, because an older server refuses a newer one's files. Every
 * write is handed to the operating system at once and to the disk every second, so that a killed
 * application loses nothing that was acknowledged.
 *
 * @throws Error with the server's own words if it does not start
 * @internal
 */
export async function startLocalServer(
  binary: ServerBinary,
  dataDirectory: string,
): Promise<LocalServer> {
  const [major, minor] = binary.version.split('.');
  const folder = await openDataFolder(
    join(dataDirectory, `${binary.flavour}-${major}.${minor ?? '0'}`),
  );
  try {
    const server = await startServerProcess({
      binary: binary.path,
      args: (port) => [
        ...['--bind', '127.0.0.1', '--port', String(port), '--protected-mode', 'yes'],
        ...['--dir', folder.path, '--save', '', '--appendonly', 'yes'],
        ...['--appendfsync', 'everysec', '--loglevel', 'notice'],
      ],
    });
    await folder.usedBy(server.pid).catch(async (error: unknown) => {
      await server.stop(STOP_DEADLINE_MS); // nobody else may find the folder free while it runs
      throw error;
    });
    return {
      port: server.port,
      description: `${binary.flavour} ${binary.version} (${binary.path}), ${folder.description}`,
      async stop() {
        await server.stop(STOP_DEADLINE_MS);
        await folder.release();
      },
    };
  } catch (error) {
    await folder.release();
    throw error;
  }
}
