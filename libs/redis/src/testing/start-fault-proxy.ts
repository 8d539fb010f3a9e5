import { setMaxListeners } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { RedisConfigurationException } from '../errors/redis-configuration.exception.js';
import { LONGEST_TIMER_MS } from '../time/duration.js';

/** A proxy between a client and its server that fails on command. */
export interface FaultProxy extends AsyncDisposable {
  /** Always `127.0.0.1`. */
  readonly host: string;
  /** Never changes. */
  readonly port: number;
  /** The number of clients that are connected now. */
  readonly connections: number;
  /** The number of connections accepted since the start. */
  readonly accepted: number;
  /**
   * Delays each reply by `ms` milliseconds, in order; 0 for no delay.
   *
   * @throws RedisConfigurationException if `ms` is negative, or longer than a timer can be
   */
  delay(ms: number): void;
  /** Accepts connections and keeps them open, but passes no byte until `heal()`, as a frozen network. */
  stall(): void;
  /** Drops all connections and refuses new ones until `heal()`. */
  cut(): Promise<void>;
  /** Undoes all faults, and passes the bytes that `stall()` held back. */
  heal(): Promise<void>;
  /** May be called twice. */
  stop(): Promise<void>;
}

/**
 * Starts a TCP proxy on a free loopback port that forwards to `target`.
 *
 * @example
 * const proxy = await startFaultProxy(redis);
 * const client = new Redis(proxy.port, proxy.host);
 * proxy.stall(); // the client's commands now time out
 * @publicApi
 */
export async function startFaultProxy(target: {
  readonly host: string;
  readonly port: number;
}): Promise<FaultProxy> {
  const proxy = new TcpFaultProxy(target);
  await proxy.open();
  return proxy;
}

class TcpFaultProxy implements FaultProxy {
  readonly host = '127.0.0.1';
  private readonly links = new Set<Link>();
  private server: Server | undefined;
  private lastPort = 0;
  private acceptedCount = 0;
  private delayMs = 0;
  private isStalled = false;

  constructor(private readonly target: { readonly host: string; readonly port: number }) {}

  get port(): number {
    return this.lastPort;
  }

  get connections(): number {
    return this.links.size;
  }

  get accepted(): number {
    return this.acceptedCount;
  }

  delay(ms: number): void {
    if (typeof ms !== 'number' || !(ms >= 0 && ms <= LONGEST_TIMER_MS)) {
      const accepted = `milliseconds from 0 to ${LONGEST_TIMER_MS}`;
      throw new RedisConfigurationException([{ setting: 'delay', value: String(ms), accepted }]);
    }
    this.delayMs = ms;
  }

  stall(): void {
    this.isStalled = true;
    for (const link of this.links) link.pause();
  }

  async cut(): Promise<void> {
    const { server } = this;
    this.server = undefined;
    const closed = new Promise<void>((resolve) => {
      if (server === undefined) resolve();
      else server.close(() => resolve());
    });
    for (const link of this.links) link.destroy();
    await closed;
  }

  async heal(): Promise<void> {
    this.delayMs = 0;
    this.isStalled = false;
    for (const link of this.links) link.resume();
    await this.open();
  }

  stop(): Promise<void> {
    return this.cut();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async open(): Promise<void> {
    if (this.server !== undefined) return;
    const server = createServer((client) => this.accept(client));
    this.server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host: this.host, port: this.lastPort }, resolve);
    });
    this.lastPort = (server.address() as AddressInfo).port;
  }

  private accept(client: Socket): void {
    this.acceptedCount++;
    const link = new Link(client, connect(this.target), () => this.delayMs);
    this.links.add(link);
    client.once('close', () => this.links.delete(link));
    if (this.isStalled) link.pause();
  }
}

/** One client and its own connection to the server. */
class Link {
  private readonly gone = new AbortController();
  private lastReply: Promise<void> = Promise.resolve();

  constructor(
    private readonly client: Socket,
    private readonly upstream: Socket,
    private readonly delayMs: () => number,
  ) {
    setMaxListeners(0, this.gone.signal); // one for each delayed reply
    for (const socket of [client, upstream]) {
      socket.setNoDelay(true);
      socket.on('error', () => this.destroy());
    }
    client.on('data', (chunk: Buffer) => upstream.write(chunk));
    client.on('close', () => this.destroy());
    upstream.on('data', (chunk: Buffer) => this.reply(chunk));
    // Replies sent before the server closed still arrive, however long their delay.
    upstream.on('close', () => void this.lastReply.then(() => this.destroy()));
  }

  pause(): void {
    this.client.pause();
    this.upstream.pause();
  }

  resume(): void {
    this.client.resume();
    this.upstream.resume();
  }

  destroy(): void {
    this.gone.abort();
    this.client.destroy();
    this.upstream.destroy();
  }

  /** Keeps replies in order, even if the delay has been shortened meanwhile. */
  private reply(chunk: Buffer): void {
    const delayMs = this.delayMs();
    const due = delayMs === 0 ? undefined : this.sleep(delayMs);
    this.lastReply = Promise.all([this.lastReply, due]).then(() => {
      if (!this.client.destroyed) this.client.write(chunk);
    });
  }

  /** Ends early when the link is gone. */
  private sleep(ms: number): Promise<void> {
    return setTimeout(ms, undefined, { signal: this.gone.signal }).catch(() => undefined);
  }
}
