import { startEmbeddedServer, type EmbeddedServer } from '../embedded/embedded-server.js';
import { realServerRequired } from './find-redis-server.js';
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
  readonly pid = undefined;
  readonly port: number;
  readonly url: string;

  private constructor(
    private server: EmbeddedServer,
    readonly password: string | undefined,
  ) {
    this.port = server.port;
    this.url = serverUrl(this);
  }

  static async start(password: string | undefined): Promise<EmbeddedTestServer> {
    return new EmbeddedTestServer(await start(undefined, password), password);
  }

  kill(): Promise<void> {
    return this.server.stop();
  }

  async restart(): Promise<void> {
    await this.server.stop();
    this.server = await start(this.port, this.password);
  }

  freeze(): never {
    throw realServerRequired('freeze()');
  }

  thaw(): never {
    throw realServerRequired('thaw()');
  }

  stop(): Promise<void> {
    return this.server.stop();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

function start(port: number | undefined, password: string | undefined): Promise<EmbeddedServer> {
  return startEmbeddedServer({
    ...(port !== undefined && { port }),
    ...(password !== undefined && { password }),
  });
}
