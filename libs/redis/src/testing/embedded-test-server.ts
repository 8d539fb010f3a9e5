import { startEmbeddedServer } from '../embedded/embedded-server.js';
import type { ServerProcess } from '../embedded/server-process.js';
import { serverUrl, type RedisTestServer } from './redis-test-server.js';

/**
 * Runs the embedded server for a test that needs no real one.
 *
 * @internal
 */
export class EmbeddedTestServer implements RedisTestServer {
  readonly kind = 'embedded';
  readonly host = '127.0.0.1';
  readonly tls = undefined;
  readonly port: number;
  readonly url: string;
  private process: ServerProcess | undefined;
  private stopped: Promise<void> | undefined;

  private constructor(
    first: ServerProcess,
    readonly password: string | undefined,
    private readonly nodeArgs: readonly string[],
  ) {
    this.process = first;
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

  get pid(): number | undefined {
    return this.process?.pid;
  }

  async kill(): Promise<void> {
    const process = this.process;
    this.process = undefined;
    await process?.kill();
  }

  async restart(): Promise<void> {
    await this.kill();
    const { port, password, nodeArgs } = this;
    const options = { port, nodeArgs, ...(password !== undefined && { password }) };
    this.process = await startEmbeddedServer(options);
  }

  freeze(): void {
    this.process?.signal('SIGSTOP');
  }

  thaw(): void {
    this.process?.signal('SIGCONT');
  }

  stop(): Promise<void> {
    return (this.stopped ??= this.kill());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}
