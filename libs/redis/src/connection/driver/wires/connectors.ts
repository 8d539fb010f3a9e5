/**
 * @module connection/driver/wires How a connection is opened. ioredis asks a connector for a socket at each
 * attempt to connect. The connectors of this file ask for credentials first, name the server to TLS, and
 * let no failure end the client for good.
 */
import { createConnection, Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { RedisOptions } from 'ioredis';
import { AbstractConnector, SentinelConnector } from '../ioredis.cjs';
import { isError } from '../../../errors/is-error.js';
import { printAddress } from '../../../errors/print-address.js';
import type { RedisAddress, ResolvedRedisOptions } from '../../options/options.js';
import { servernameOf, tlsFor } from '../../options/tls-options.js';
import { classifyError } from '../failures/classify-error.js';
import { hideArguments } from '../failures/command-failures.js';
import { sentinelInternalsOf } from '../internals.js';

type Connector = NonNullable<RedisOptions['Connector']>;
type Emit = Parameters<AbstractConnector['connect']>[0];
type Stream = Awaited<ReturnType<AbstractConnector['connect']>>;

/**
 * Makes the connector to one server: a standalone one, or a node of a cluster.
 *
 * @internal
 */
export function serverConnector({ credentials, tls }: ResolvedRedisOptions): Connector {
  return class ServerConnector extends AbstractConnector {
    readonly #options: RedisOptions;
    readonly #wait = new Wait();

    constructor(given: unknown) {
      const options = given as RedisOptions;
      super(options.disconnectTimeout ?? 0);
      // For the client that a cluster makes of a node to subscribe, which gets no connector.
      if (tls !== undefined && options.tls === tls) options.tls = tlsFor(tls, options.host);
      this.#options = options;
    }

    async connect(): Promise<Stream> {
      this.connecting = true;
      try {
        await this.#wait.for(credentials?.ask());
        if (!this.#isWanted()) return noStream(this);
        this.stream = this.#open();
      } catch (error) {
        return noStream(this, error);
      }
      // Each of them: a socket whose certificate was not accepted may have a second one.
      this.stream.on('error', (error: Error) => {
        this.firstError = error;
      });
      return this.stream;
    }

    override disconnect(): void {
      super.disconnect();
      this.#wait.end();
    }

    /** Not after `disconnect()`, which may come while the credentials are asked for. */
    #isWanted(): boolean {
      return this.connecting;
    }

    #open(): Stream {
      const { path, host = 'localhost', port = 6379, family, tls: ofClient } = this.#options;
      const target = path ? { path } : { host, port, ...(family ? { family } : {}) };
      if (!ofClient) return createConnection(target);
      return connectTls({ ...target, ...tlsFor(ofClient, path ? undefined : host) });
    }
  };
}

/**
 * Makes the connector to the server that the sentinels name.
 *
 * @internal
 */
export function sentinelConnector(options: ResolvedRedisOptions): Connector {
  const { credentials, sentinelTls } = options;
  return class NamedServerConnector extends SentinelConnector {
    readonly #wait = new Wait();
    #failures: SentinelFailure[] = [];

    constructor(given: unknown) {
      super(given as ConstructorParameters<typeof SentinelConnector>[0]);
      const internals = sentinelInternalsOf(this);
      const connectToSentinel = internals.connectToSentinel.bind(this);
      const resolve = internals.resolve.bind(this);
      internals.connectToSentinel = (address, settings) =>
        connectToSentinel(address, {
          ...settings,
          disconnectTimeout: 0, // of a refused connection it would keep the process alive
          ...(sentinelTls && { tls: tlsFor(sentinelTls, address.host) }),
        });
      internals.resolve = async (address) => {
        try {
          const server = await resolve(address);
          if (!server) this.#failures.push({ address, error: new Error('it names none') });
          return server && { ...server, ...servernameOf(server.host) };
        } catch (error) {
          this.#failures.push({ address, error });
          throw error;
        }
      };
    }

    override async connect(emit: Emit): Promise<Stream> {
      this.#failures = [];
      this.connecting = true;
      try {
        await this.#wait.for(credentials?.ask());
        return this.#isWanted() ? await super.connect(emit) : noStream(this);
      } catch (error) {
        if (!this.#isWanted()) return noStream(this);
        if (this.#failures.length === 0) return noStream(this, error);
        return noStream(this, new SentinelsFailedError(options.sentinelName ?? '', this.#failures));
      }
    }

    override disconnect(): void {
      super.disconnect();
      this.#wait.end();
    }

    #isWanted(): boolean {
      return this.connecting;
    }
  };
}

interface SentinelFailure {
  readonly address: Partial<RedisAddress>;
  readonly error: unknown;
}

const DEFAULT_PORT = 26_379;

/**
 * Reports that no sentinel gave the address of a server. If one refused the
 * credentials, that is the reason: the others would, too.
 *
 * @internal
 */
export class SentinelsFailedError extends Error {
  override readonly name = 'SentinelsFailedError';
  /** The refusal of the credentials, if it is one. */
  readonly refusal: Error | undefined;

  constructor(sentinelName: string, failures: readonly SentinelFailure[]) {
    const errors = failures.map(({ error }) => error).filter(isError);
    for (const error of errors) hideArguments(error);
    const refusal = errors.find((error) => classifyError(error, true)?.kind === 'authentication');
    super(
      `No sentinel names a server for "${sentinelName}": ${failures.map(describe).join(', ')}`,
      { cause: refusal ?? errors.at(-1) },
    );
    this.refusal = refusal;
  }
}

function describe({
  address: { host = 'localhost', port = DEFAULT_PORT },
  error,
}: SentinelFailure) {
  const { code, message = 'no answer' } = error as Partial<NodeJS.ErrnoException>;
  return `${printAddress({ host, port })} (${code ?? message.split('\n', 1)[0]})`;
}

/** Waits for a promise, or until the connection is no longer wanted. */
class Wait {
  #end = (): void => undefined;

  async for(promise: Promise<unknown> | undefined): Promise<void> {
    const ended = new Promise<void>((resolve) => {
      this.#end = resolve;
    });
    await Promise.race([promise, ended]);
  }

  end(): void {
    this.#end();
  }
}

/**
 * Gives ioredis a socket that is closed already, when there is none. ioredis announces the error
 * and tries again after a pause, as after every lost connection, or ends if it was told to meanwhile. A
 * connector that rejects would end the client for good.
 */
function noStream(connector: AbstractConnector, error?: unknown): Stream {
  delete connector.firstError; // of an earlier attempt
  if (isError(error)) connector.firstError = error;
  return new Socket().destroy();
}
