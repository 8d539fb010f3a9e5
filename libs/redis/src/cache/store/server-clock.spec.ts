import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { ServerClock } from './server-clock.js';

describe('ServerClock', () => {
  beforeEach(() => {
    jest.useFakeTimers({ now: 1_000_000 });
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  it("is this process's own until the server has said its time, and never jumps with that one", () => {
    const clock = new ServerClock();
    expect(clock.now()).toBeCloseTo(1_000_000, 0);
    jest.setSystemTime(5);
    jest.advanceTimersByTime(100);
    expect(clock.now()).toBeCloseTo(1_000_100, 0);
  });

  it("is the server's, as of the middle of the time that the reply was under way", () => {
    const clock = new ServerClock();
    const askedAt = performance.now();
    jest.advanceTimersByTime(20);
    clock.learn(500, askedAt);
    expect(clock.now()).toBeCloseTo(510, 5);
    jest.advanceTimersByTime(1_000);
    expect(clock.now()).toBeCloseTo(1_510, 5);
  });

  it('is not taken from a reply that came much later than it was sent', () => {
    const clock = new ServerClock();
    clock.learn(500, performance.now());
    const askedAt = performance.now();
    jest.advanceTimersByTime(5_000);
    clock.learn(501, askedAt);
    expect(clock.now()).toBeCloseTo(5_500, 5);
  });
});
