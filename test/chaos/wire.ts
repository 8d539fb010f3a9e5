import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

interface Target {
  readonly host: string;
  readonly port: number;
}

/** Replaces ports in the replies of a server, as an address translation does. */
export type Translation = ReadonlyMap<number, number>;

/**
 * Connects the application to one server. Unlike a fault proxy it can lose its open connections while new
 * ones work, and it can translate addresses.
 */
export class Wire {
  readonly host = '127.0.0.1';
  readonly #target: Target;
  readonly #translation: Translation;
  readonly #links = new Set<Link>();
  #server: Server | undefined;
  #port = 0;
  #delayMs = 0;

  /** @param translation may be filled in later; every port in it has five digits */
  static async to(target: Target, translation: Translation = new Map()): Promise<Wire> {
    const wire = new Wire(target, translation);
    await wire.open();
    return wire;
  }

  private constructor(target: Target, translation: Translation) {
    this.#target = target;
    this.#translation = translation;
  }

  /** Stays the same whatever happens. */
  get port(): number {
    return this.#port;
  }

  /** Holds back every reply for so long; 0 for none. */
  delay(ms: number): void {
    this.#delayMs = ms;
  }

  /** No byte passes any more on the connections that are there, and neither end is told. */
  loseConnections(): void {
    for (const link of this.#links) link.isLost = true;
  }

  /** Ends what was lost, as a firewall does in the end. */
  cutLost(): void {
    for (const link of this.#links) if (link.isLost) link.cut();
  }

  /** Ends the connections that are there; new ones work. */
  cut(): void {
    for (const link of this.#links) link.cut();
  }

  /** Refuses connections, and ends those that are there, until `open()`. */
  async close(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    this.cut();
    if (server === undefined) return;
    await new Promise<void>((resolve) => server.close(() => resolve()));
  }

  async open(): Promise<void> {
    if (this.#server !== undefined) return;
    const server = createServer((client) => this.#accept(client));
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host: this.host, port: this.#port }, resolve);
    });
    this.#port = (server.address() as AddressInfo).port;
  }

  #accept(client: Socket): void {
    const link = new Link(client, connect(this.#target), (reply) => this.#translate(reply));
    link.delayMs = () => this.#delayMs;
    this.#links.add(link);
    client.once('close', () => this.#links.delete(link));
  }

  #translate(reply: Buffer): Buffer {
    if (this.#translation.size === 0) return reply;
    const text = reply
      .toString('latin1')
      .replace(/\b\d{5}\b/g, (port) => String(this.#translation.get(Number(port)) ?? port));
    return Buffer.from(text, 'latin1');
  }
}

/** One connection of the application and the one to the server that belongs to it. */
class Link {
  isLost = false;
  delayMs = (): number => 0;
  readonly #client: Socket;
  readonly #upstream: Socket;
  #replied: Promise<unknown> = Promise.resolve();

  constructor(client: Socket, upstream: Socket, translate: (reply: Buffer) => Buffer) {
    this.#client = client;
    this.#upstream = upstream;
    for (const socket of [client, upstream]) {
      socket.setNoDelay(true);
      socket.on('error', () => this.cut());
    }
    client.on('data', (chunk: Buffer) => {
      if (!this.isLost) upstream.write(chunk);
    });
    client.on('close', () => upstream.destroy());
    upstream.on('data', (chunk: Buffer) => this.#reply(translate(chunk)));
    upstream.on('close', () => {
      if (!this.isLost) void this.#replied.then(() => client.destroy());
    });
  }

  /** Not by `resetAndDestroy()`, which may leave a socket open (Node 20). */
  cut(): void {
    this.#client.destroy();
    this.#upstream.destroy();
  }

  /** A later reply never overtakes an earlier one. */
  #reply(chunk: Buffer): void {
    if (this.isLost) return;
    const delayMs = this.delayMs();
    const due = delayMs === 0 ? undefined : sleep(delayMs, undefined, { ref: false });
    this.#replied = Promise.all([this.#replied, due]).then(() => {
      if (!this.isLost && !this.#client.destroyed) this.#client.write(chunk);
    });
  }
}
