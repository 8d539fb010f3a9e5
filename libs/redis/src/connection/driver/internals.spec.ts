import { describe, expect, it } from '@jest/globals';
import { Cluster, Redis } from 'ioredis';
import { onSubscriber } from './internals.js';

describe('onSubscriber', () => {
  it('tells every listener of each connection that a cluster client makes to subscribe', () => {
    const cluster = new Cluster([{ host: 'localhost', port: 1 }], { lazyConnect: true });
    const { subscriber: owner } = cluster as unknown as { subscriber: { subscriber: unknown } };
    const heard: unknown[] = [];
    onSubscriber(cluster, (subscriber) => heard.push(['first', subscriber]));
    onSubscriber(cluster, (subscriber) => heard.push(['second', subscriber]));
    const made = new Redis({ lazyConnect: true });
    owner.subscriber = made;
    expect(owner.subscriber).toBe(made);
    owner.subscriber = null;
    expect(owner.subscriber).toBeNull();
    expect(heard).toEqual([
      ['second', made],
      ['first', made],
    ]);
  });
});
