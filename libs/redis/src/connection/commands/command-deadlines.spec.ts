import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Command } from 'ioredis';
import { CommandDeadlines } from './command-deadlines.js';
import type { Supervision } from './supervised-command.js';

describe('CommandDeadlines', () => {
  let deadlines: CommandDeadlines;
  beforeEach(() => {
    jest.useFakeTimers();
    deadlines = new CommandDeadlines();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  /** A command that records when it was rejected. */
  function send(timeoutMs: number) {
    const start = performance.now();
    const sent = { isResolved: false, rejectedAfter: undefined as number | undefined };
    const command = Object.assign(sent, {
      reject: () => {
        supervised.rejected = true;
        sent.rejectedAfter = performance.now() - start;
      },
    });
    const supervised: Supervision = {
      command: command as unknown as Command,
      promise: Promise.resolve(),
      pipeline: undefined,
      companions: [],
      timeoutMs,
      deadline: start + timeoutMs,
      reject: command.reject,
      rejected: false,
    };
    deadlines.watch(supervised, start);
    return sent;
  }

  it('rejects each command when its own time is over, and no other', () => {
    const first = send(1_000);
    jest.advanceTimersByTime(400);
    const quick = send(100);
    const second = send(1_000);
    jest.advanceTimersByTime(3_000);
    expect([first.rejectedAfter, quick.rejectedAfter, second.rejectedAfter]).toEqual([
      1_000, 100, 1_000,
    ]);
  });

  it('leaves an answered command alone, and no timer behind', () => {
    const answered = send(1_000);
    answered.isResolved = true;
    jest.advanceTimersByTime(250);
    expect(jest.getTimerCount()).toBe(0);
    jest.advanceTimersByTime(1_000);
    expect(answered.rejectedAfter).toBeUndefined();
  });

  it('needs one timer for any number of commands', () => {
    for (let i = 0; i < 1_000; i++) send(5_000);
    expect(jest.getTimerCount()).toBe(1);
  });

  it('never rejects what may block for ever', () => {
    send(Number.POSITIVE_INFINITY);
    expect(jest.getTimerCount()).toBe(0);
  });
});
