import { startEmbeddedServer } from '../embedded/embedded-server.js';
import type { ServerProcess } from '../embedded/server-process.js';
import { serverUrl, type RedisTestServer } from './redis-test-server.js';
import { ServerOfProcess } from './server-of-process.js';

/**
 * Runs the embedded server for a test that needs no real one.
 *
 * @internal
 */
export class EmbeddedTestServer extends ServerOfProcess implements RedisTestServer {
  readonly kind = 'embedded';
  readonly host = '127.0.0.1';
  readonly tls = undefined;
  readonly port: number;
  readonly url: string;

  private constructor(
    first: ServerProcess,
    readonly password: string | undefined,
    private readonly nodeArgs: readonly string[],
  ) {
    super(first);
    this.port = first.port;
    this.url = serverUrl(this);
  }

  /** @param nodeArgs more arguments for the Node that runs the server */
  static async start(
    password?: string,
    nodeArgs: readonly string[] = [],
  ): Promise<EmbeddedTestServer> {
    const first = await startEmbeddedServer({
      nodeArgs,
      ...(password !== undefined && { password }),
    });
    return new EmbeddedTestServer(first, password, nodeArgs);
  }

  async restart(): Promise<void> {
    await this.kill();
    const { port, password, nodeArgs } = this;
    const options = { port, nodeArgs, ...(password !== undefined && { password }) };
    this.process = await startEmbeddedServer(options);
  }
}
