import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { connectionOf } from '../../connection/connection.js';
import type { RedisClient } from '../../connection/options/options.js';
import { Outbox } from './outbox.js';

describe('Outbox', () => {
  let delivered: number[];
  let outbox: Outbox;
  let isUp: boolean;
  beforeEach(() => {
    jest.useFakeTimers();
    delivered = [];
    isUp = false;
    outbox = new Outbox();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  const onDelivered = (left: number) => delivered.push(left);
  const deletion = () =>
    jest.fn(async () => {
      if (!isUp) throw new Error('away');
    });

  it('repeats until it is acknowledged, ever less often', async () => {
    const [one, other] = [deletion(), deletion()];
    expect(outbox.add('a', one, onDelivered)).toBe(true);
    expect(outbox.add('b', other, onDelivered)).toBe(true);
    await jest.advanceTimersByTimeAsync(120);
    expect(one).toHaveBeenCalledTimes(1);
    await jest.advanceTimersByTimeAsync(60_000);
    expect(one.mock.calls.length).toBeGreaterThan(20);
    expect(one.mock.calls.length).toBeLessThan(40);
    expect([outbox.size, delivered]).toEqual([2, []]);
    isUp = true;
    await jest.advanceTimersByTimeAsync(2_400);
    expect([outbox.size, delivered, jest.getTimerCount()]).toEqual([0, [0], 0]);
    one.mockClear();
    await jest.advanceTimersByTimeAsync(10_000);
    expect(one).not.toHaveBeenCalled();
    isUp = false;
    outbox.add('c', one);
    await jest.advanceTimersByTimeAsync(120); // soon again
    expect(one).toHaveBeenCalledTimes(1);
  });

  it('keeps what failed and what was added again meanwhile', async () => {
    let acknowledge!: () => void;
    outbox.add('a', () => new Promise<void>((resolve) => (acknowledge = resolve)), onDelivered);
    outbox.add('b', deletion());
    await jest.advanceTimersByTimeAsync(120);
    const again = deletion();
    outbox.add('a', again, onDelivered);
    outbox.add('c', deletion());
    acknowledge();
    await jest.advanceTimersByTimeAsync(0);
    expect([...outbox.deleted.keys()]).toEqual(['a', 'b', 'c']);
    isUp = true;
    await jest.advanceTimersByTimeAsync(5_000);
    expect(again).toHaveBeenCalledTimes(1);
    expect(outbox.size).toBe(0);
    expect(delivered).toEqual([3, 0]);
  });

  it('shows a read that began before the delivery what was deleted then', async () => {
    outbox.add('a', deletion());
    const { deleted } = outbox;
    outbox.add('b', deletion());
    isUp = true;
    await jest.advanceTimersByTimeAsync(120);
    expect(outbox.deleted.size).toBe(0);
    expect([...deleted.keys()]).toEqual(['a', 'b']);
  });

  it('gives up on a try that is never answered, and tries again', async () => {
    const endless = jest.fn(() => new Promise<void>(() => undefined));
    outbox.add('a', endless);
    await jest.advanceTimersByTimeAsync(5_000);
    expect(endless.mock.calls.length).toBeGreaterThan(1);
    const closing = outbox.close();
    await jest.advanceTimersByTimeAsync(2_000);
    expect(await closing).toBe(1);
  });

  it('tries once more when it is closed, says what is lost and leaves no timer', async () => {
    outbox.add('a', deletion());
    outbox.add('b', () => Promise.resolve());
    expect(await outbox.close()).toBe(1);
    expect([[...outbox.deleted.keys()], jest.getTimerCount()]).toEqual([['a'], 0]);
    expect(await outbox.close()).toBe(1);
    outbox.add('c', deletion());
    isUp = true;
    expect(await outbox.close()).toBe(0);
  });

  it('goes on with what is added after it was closed', async () => {
    const one = deletion();
    outbox.add('a', one);
    await outbox.close();
    outbox.add('b', one);
    one.mockClear();
    await jest.advanceTimersByTimeAsync(5_000);
    expect(one).toHaveBeenCalled();
  });

  it('is one for all that use a client', () => {
    const [one, other] = [{}, {}] as RedisClient[];
    const outboxOf = (client: RedisClient) => connectionOf(client).part(Outbox);
    expect(outboxOf(one as RedisClient)).toBe(outboxOf(one as RedisClient));
    expect(outboxOf(one as RedisClient)).not.toBe(outboxOf(other as RedisClient));
  });

  it('takes so many and no more', () => {
    for (let i = 0; i < 10_000; i++) expect(outbox.add(`${i}`, deletion())).toBe(true);
    expect(outbox.add('one more', deletion())).toBe(false);
    expect(outbox.add('5', deletion())).toBe(true);
    expect(outbox.size).toBe(10_000);
  });
});
