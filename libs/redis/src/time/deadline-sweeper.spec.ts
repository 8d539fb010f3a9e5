import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { DeadlineSweeper } from './deadline-sweeper.js';

interface Sent {
  readonly deadline: number;
  readonly start: number;
  isAnswered: boolean;
  endedAfter: number | undefined;
}

describe('DeadlineSweeper', () => {
  let deadlines: DeadlineSweeper<Sent>;
  beforeEach(() => {
    jest.useFakeTimers();
    deadlines = new DeadlineSweeper<Sent>(
      ({ isAnswered, endedAfter }) => isAnswered || endedAfter !== undefined,
      (sent) => {
        sent.endedAfter = performance.now() - sent.start;
      },
    );
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  function send(timeoutMs: number): Sent {
    const start = performance.now();
    const sent = { start, deadline: start + timeoutMs, isAnswered: false, endedAfter: undefined };
    deadlines.watch(sent, start);
    return sent;
  }

  it('expires each item at its own deadline, and no other', () => {
    const first = send(1_000);
    jest.advanceTimersByTime(400);
    const quick = send(100);
    const second = send(1_000);
    jest.advanceTimersByTime(3_000);
    expect([first.endedAfter, quick.endedAfter, second.endedAfter]).toEqual([1_000, 100, 1_000]);
  });

  it('keeps settled items as they are, and leaves no timer behind', () => {
    const answered = send(1_000);
    answered.isAnswered = true;
    jest.advanceTimersByTime(250);
    expect(jest.getTimerCount()).toBe(0);
    jest.advanceTimersByTime(1_000);
    expect(answered.endedAfter).toBeUndefined();
  });

  it('needs one timer for any number of items', () => {
    for (let i = 0; i < 1_000; i++) send(5_000);
    expect(jest.getTimerCount()).toBe(1);
  });

  it('never expires an item without a deadline', () => {
    send(Number.POSITIVE_INFINITY);
    expect(jest.getTimerCount()).toBe(0);
  });
});
