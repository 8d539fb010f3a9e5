import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

interface Address {
  readonly host: string;
  readonly port: number;
}

/**
 * One address for whatever is behind it now, like a proxy or a name: open connections stay where they
 * lead, new ones go to the latest target. And a network that forgets connections: both ends of a stranded
 * one believe that it is open, and nothing passes.
 */
export class Gateway {
  readonly host = '127.0.0.1';
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #target: Address;
  #accepted = 0;

  static async open(target: Address): Promise<Gateway> {
    const gateway = new Gateway(target);
    await new Promise<void>((resolve) => gateway.#server.listen(0, gateway.host, resolve));
    return gateway;
  }

  private constructor(target: Address) {
    this.#target = target;
    this.#server = createServer((client) => {
      this.#accepted++;
      const server = connect(this.#target);
      for (const [one, other] of [
        [client, server],
        [server, client],
      ] as const) {
        this.#sockets.add(one);
        one.on('error', () => undefined);
        one.on('data', (chunk) => other.write(chunk));
        one.on('close', () => {
          this.#sockets.delete(one);
          other.destroy();
        });
      }
    });
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** How many connections have ever been made to it. */
  get accepted(): number {
    return this.#accepted;
  }

  leadTo(target: Address): void {
    this.#target = target;
  }

  /** Of the connections that are open now. New ones are as good as ever. */
  strandAll(): void {
    for (const socket of this.#sockets) socket.pause();
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}
