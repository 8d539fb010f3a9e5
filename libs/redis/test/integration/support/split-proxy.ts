import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { startFaultProxy, type FaultProxy } from '../../../src/testing/index.js';

/** The connections of a client that ask for changes of keys, and all others. */
export type Side = 'tracking' | 'data';

/** A proxy that can also freeze one side alone: the tracking connections, or all others. */
export interface SplitProxy extends FaultProxy {
  /** Passes no byte of this side until {@link FaultProxy.heal} or {@link thaw}. */
  freeze(side: Side): void;
  thaw(side: Side): void;
  /** Holds back what the server answers or pushes to this side until {@link FaultProxy.heal}. */
  holdReplies(side: Side): void;
  /** How many bytes are held back. */
  readonly heldBytes: number;
}

/** The word that a client sends on a tracking connection and on no other one. */
const SIGN = 'TRACKING';

/** Starts a proxy that forwards to a fault proxy, and knows what each connection is for. */
export async function startSplitProxy(target: {
  readonly host: string;
  readonly port: number;
}): Promise<SplitProxy> {
  const inner = await startFaultProxy(target);
  const pairs = new Set<Pair>();
  const frozen = new Set<Side>();
  const held = new Set<Side>();
  const server = createServer({ noDelay: true }, (client) => {
    const pair = new Pair(client, connect({ host: inner.host, port: inner.port, noDelay: true }));
    pairs.add(pair);
    client.once('close', () => pairs.delete(pair));
    pair.obey(frozen, held);
    client.on('data', () => pair.obey(frozen, held));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const obey = () => {
    for (const pair of pairs) pair.obey(frozen, held);
  };
  const stop = async () => {
    await inner.stop();
    for (const pair of pairs) pair.destroy();
    await new Promise<unknown>((resolve) => server.close(resolve));
  };
  return {
    host: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    get connections() {
      return inner.connections;
    },
    get accepted() {
      return inner.accepted;
    },
    delay: (ms) => inner.delay(ms),
    stall: () => inner.stall(),
    cut: () => inner.cut(),
    heal: () => {
      frozen.clear();
      held.clear();
      obey();
      return inner.heal();
    },
    freeze: (side) => {
      frozen.add(side);
      obey();
    },
    thaw: (side) => {
      frozen.delete(side);
      obey();
    },
    holdReplies: (side) => {
      held.add(side);
      obey();
    },
    get heldBytes() {
      return [...pairs].reduce((sum, pair) => sum + pair.heldBytes, 0);
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** One client and its own connection to the inner proxy. */
class Pair {
  #side: Side = 'data';

  constructor(
    private readonly client: Socket,
    private readonly upstream: Socket,
  ) {
    for (const socket of [client, upstream]) {
      socket.on('error', () => this.destroy());
      socket.on('close', () => this.destroy());
    }
    client.on('data', (chunk: Buffer) => {
      if (this.#side === 'data' && chunk.includes(SIGN)) this.#side = 'tracking';
      upstream.write(chunk);
    });
    upstream.on('data', (chunk: Buffer) => client.write(chunk));
  }

  get heldBytes(): number {
    return this.upstream.readableLength;
  }

  obey(frozen: ReadonlySet<Side>, held: ReadonlySet<Side>): void {
    const isFrozen = frozen.has(this.#side);
    pass(this.client, !isFrozen);
    pass(this.upstream, !isFrozen && !held.has(this.#side));
  }

  destroy(): void {
    this.client.destroy();
    this.upstream.destroy();
  }
}

function pass(socket: Socket, isOn: boolean): void {
  if (isOn && socket.isPaused()) socket.resume();
  else if (!isOn && !socket.isPaused()) socket.pause();
}
