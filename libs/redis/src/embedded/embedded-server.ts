import { dirname } from 'node:path';
import { startServerProcess, type ServerProcess } from './server-process.js';

export interface EmbeddedServerOptions {
  /** @default a free one */
  readonly port?: number;
  readonly password?: string;
  /** More arguments for Node, e.g. to load a clock for a test. @default none */
  readonly nodeArgs?: readonly string[];
}

/** Works beside ioredis 5 and beside 6, which the package does not accept as its peer. */
export const INSTALL_EMBEDDED_SERVER =
  'npm pkg set overrides.js-redis-server.ioredis=x && npm i -D -E js-redis-server@0.3.0';

const NOT_INSTALLED = 'the package js-redis-server is not installed';

/**
 * Runs js-redis-server, with these arguments: the port, the password or nothing, and the folders from which
 * the package is looked for. Its `listen()` would bind every network interface. The input ends with the
 * parent, however the parent ends.
 */
const SERVER_SCRIPT = `
const [port, password, ...folders] = process.argv.slice(1);
process.title = 'js-redis-server';
const fail = (why) => {
  console.error(why);
  process.exit(1);
};
let core;
try {
  core = require(require.resolve('js-redis-server/core', { paths: folders }));
} catch (error) {
  const isMissing = error.message.startsWith("Cannot find module 'js-redis-server");
  fail(isMissing ? '${NOT_INSTALLED}' : String(error));
}
const state = new core.RedisServerState({
  databaseCount: 16,
  ...(password && { requirepass: password }),
});
const executor = core.createRedisCommandExecutor();
const { server } = new core.Resp2Server({ server: state, executor });
server.on('error', ({ code, message }) => {
  fail(code === 'EADDRINUSE' ? 'Address already in use' : message);
});
server.listen({ port: Number(port), host: '127.0.0.1' }, () => {
  console.log('Ready to accept connections');
});
process.stdin.resume().once('close', () => process.exit());
`;

/**
 * Starts js-redis-server, an optional peer, in a process of its own: it shares neither the module
 * resolution nor the event loop of the application, nor the sandbox of Jest. The server is ready in about
 * 100 ms, ends with this process and does not keep it alive.
 *
 * @throws Error saying that js-redis-server is not installed, or why it does not start
 * @internal
 */
export async function startEmbeddedServer(
  options: EmbeddedServerOptions = {},
): Promise<ServerProcess> {
  const { password = '', nodeArgs = [] } = options;
  try {
    return await startServerProcess({
      binary: process.execPath,
      args: (port) => [
        ...nodeArgs,
        ...['--input-type=commonjs', '--eval', SERVER_SCRIPT, '--', String(port), password],
        ...foldersOfApplication(),
      ],
      env: withoutNodeOptions(),
      ...(options.port !== undefined && { port: options.port }),
    });
  } catch (cause) {
    const { message } = cause as Error;
    const reason = message.includes(NOT_INSTALLED) ? NOT_INSTALLED : message;
    throw new Error(`the embedded server cannot be used: ${reason}`, { cause });
  }
}

/** The working directory, and the folder of the main script: an application may be started from elsewhere. */
function foldersOfApplication(): readonly string[] {
  const [, script] = process.argv;
  return script === undefined ? [process.cwd()] : [process.cwd(), dirname(script)];
}

/**
 * The options of the application, such as a debugger's port or a tracer, are not those of the server. With
 * Plug'n'Play of Yarn, however, no package is found without them.
 */
function withoutNodeOptions(): Readonly<Record<string, string>> {
  return process.versions['pnp'] === undefined ? { NODE_OPTIONS: '' } : {};
}
