import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Command, Redis } from 'ioredis';
import { SourceCheck } from './source-check.js';

const TIME = ['1000', '0'];
const LATE = new Error('Command timed out');
const REFUSED = Object.assign(new Error("NOPERM no permissions to run 'time'"), {
  name: 'ReplyError',
});

describe('SourceCheck', () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  /** A check of a server that answers each command with the next of its replies, and then with the last. */
  function checkOf(replies: Record<string, readonly unknown[]>) {
    const asked: string[] = [];
    const demoted: string[] = [];
    const sendCommand = ({ name, resolve, reject }: Command) => {
      const before = asked.filter((one) => one === name).length;
      asked.push(name);
      const all = replies[name] ?? [];
      const reply = all[Math.min(before, all.length - 1)];
      if (reply instanceof Error) reject(reply);
      else resolve(reply);
    };
    const source = { sendCommand } as unknown as Redis;
    const check = new SourceCheck(source, undefined, ({ message }) => demoted.push(message));
    const askFor = async (ms: number) => {
      for (let passed = 0; passed < ms; passed += 100) {
        void check.ask();
        await jest.advanceTimersByTimeAsync(100);
      }
    };
    const timesAsked = (name: string) => asked.filter((one) => one === name).length;
    return { check, demoted, askFor, timesAsked };
  }

  it('goes on asking for what was not answered in time once', async () => {
    const { check, demoted, askFor } = checkOf({ time: [LATE, TIME], role: [LATE, ['slave']] });
    await askFor(500);
    expect(check.serverTimeAt).toBeUndefined();
    await askFor(1_500);
    expect(check.serverTimeAt?.serverMs).toBe(1_000_000);
    expect(demoted).toContain('The server is a replica.');
  });

  it('keeps the clock that it knows while it is told nothing else', async () => {
    const { check, askFor, timesAsked } = checkOf({ time: [TIME, LATE, 'QUEUED'], role: [LATE] });
    await askFor(34_000);
    expect(timesAsked('time')).toBeGreaterThan(2);
    expect(check.serverTimeAt?.serverMs).toBe(1_000_000);
  });

  it('does not ask again for what the server refuses', async () => {
    const { check, askFor, timesAsked } = checkOf({ time: [REFUSED], role: [REFUSED] });
    await askFor(60_000);
    expect([timesAsked('time'), timesAsked('role')]).toEqual([1, 1]);
    expect(check.serverTimeAt).toBeUndefined();
  });
});
