import { setTimeout as sleep } from 'node:timers/promises';
import { pickFrom } from '../random.js';
import type { Side, SplitProxy } from '../split-proxy.js';
import { RandomFaults, type Fault, type FaultTools } from './random-faults.js';
import type { SharedState } from './shared-state.js';
import type { RedisTestServer } from '../../../../src/testing/index.js';

export interface NearFaultTools extends FaultTools {
  readonly state: SharedState;
  readonly nodes: readonly RedisTestServer[];
  readonly proxies: readonly SplitProxy[];
  readonly workers: number;
}

/** Some last longer than a copy may be stale, others do not. */
const LONGEST_MS = 1_200;
/** Callers give a server up after 250 ms. */
const LONGEST_FREEZE_MS = 400;

/** Does at random what harms near copies: to the links that tell them of changes, and to their threads. */
export class NearFaults extends RandomFaults<NearFaultTools> {
  protected readonly faults: readonly Fault[] = [
    [0.25, 'half-open tracking connections', () => this.#freeze('tracking', LONGEST_MS)],
    [0.15, 'half-open data connections', () => this.#freeze('data', LONGEST_FREEZE_MS)],
    [0.2, 'killed tracking connections', () => this.#killTracking()],
    [0.15, 'frozen servers', () => this.#freezeServer()],
    [0.25, 'threads that stood still', () => this.#pause()],
  ];

  async #freeze(side: Side, longestMs: number): Promise<void> {
    const { random, proxies } = this.tools;
    const proxy = pickFrom(random, proxies);
    proxy.freeze(side);
    await sleep(random() * longestMs);
    proxy.thaw(side);
  }

  /** These are no `normal` ones: they have subscribed to a channel. */
  #killTracking(): Promise<unknown> {
    return this.client.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
  }

  async #freezeServer(): Promise<void> {
    const { random, nodes } = this.tools;
    const node = pickFrom(random, nodes);
    node.freeze();
    await sleep(random() * LONGEST_FREEZE_MS);
    node.thaw();
  }

  async #pause(): Promise<void> {
    const { random, state, workers } = this.tools;
    const ms = random() * LONGEST_MS;
    state.pause(Math.floor(random() * workers), ms);
    await sleep(ms);
  }
}
