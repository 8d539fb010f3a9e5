import { describe, expect, it, jest } from '@jest/globals';
import { LoadGate } from './load-gate.js';

/** Loads that end when the test says so. */
function loadsThrough(gate: LoadGate) {
  const began: string[] = [];
  const ends = new Map<string, () => void>();
  const load = (name: string, waitMs = 1_000) =>
    gate.turn(name, waitMs).run(() => {
      began.push(name);
      return new Promise<string>((resolve) =>
        ends.set(name, () => {
          resolve(name);
        }),
      );
    });
  return { began, load, end: (name: string) => ends.get(name)?.() };
}

const settled = () => new Promise(setImmediate);

describe('LoadGate', () => {
  it('lets so many run at once, and the others in their order', async () => {
    const { began, load, end } = loadsThrough(new LoadGate(2));
    const all = Promise.all(['a', 'b', 'c', 'd'].map((name) => load(name)));
    expect(began).toEqual(['a', 'b']);
    end('b');
    await settled();
    expect(began).toEqual(['a', 'b', 'c']);
    end('a');
    await settled();
    end('c');
    end('d');
    expect(await all).toEqual(['a', 'b', 'c', 'd']);
    const again = load('e');
    expect(began.at(-1)).toBe('e');
    end('e');
    await again;
  });

  it('lets the next one in after a failure too, even a synchronous one', async () => {
    const gate = new LoadGate(1);
    const fail = () => gate.turn('x', 1_000).run(() => Promise.reject(new Error('no')));
    const failNow = () =>
      gate.turn('x', 1_000).run(() => {
        throw new Error('no');
      });
    const failures = await Promise.allSettled([fail(), failNow(), fail(), failNow()]);
    expect(failures.map(({ status }) => status)).toEqual(Array(4).fill('rejected'));
    expect(await gate.turn('x', 1_000).run(() => Promise.resolve(1))).toBe(1);
  });

  it('lets loads that share a turn run on one place, until the last one has ended', async () => {
    const gate = new LoadGate(1);
    const { began, load, end } = loadsThrough(gate);
    const first = load('first');
    const turn = gate.turn('shared', 1_000);
    const ends: (() => void)[] = [];
    const shared = () =>
      turn.run(() => {
        began.push('shared');
        return new Promise<void>((resolve) => ends.push(resolve));
      });
    const together = [shared(), shared()];
    const last = load('last');
    end('first');
    await first;
    await settled();
    expect(began).toEqual(['first', 'shared', 'shared']);
    ends[0]?.();
    await together[0];
    await settled();
    expect(began).toHaveLength(3);
    ends[1]?.();
    await Promise.all(together);
    await settled();
    expect(began.at(-1)).toBe('last');
    end('last');
    await last;
    const again = shared(); // a turn may be taken once more
    await settled();
    ends[2]?.();
    await again;
  });

  it('tells those who wait too long, and forgets them', async () => {
    jest.useFakeTimers();
    try {
      const { began, load, end } = loadsThrough(new LoadGate(1));
      const first = load('first');
      const late = load('late', 50);
      const patient = load('patient', 60_000);
      const rejection = late.catch((error: unknown) => error);
      await jest.advanceTimersByTimeAsync(50);
      expect(await rejection).toMatchObject({
        name: 'RedisLoadTimeoutException',
        key: 'late',
        timeoutMs: 50,
        waitedFor: 'turn',
      });
      end('first');
      await first;
      await jest.advanceTimersByTimeAsync(0);
      expect(began).toEqual(['first', 'patient']);
      expect(jest.getTimerCount()).toBe(0);
      end('patient');
      await patient;
    } finally {
      jest.useRealTimers();
    }
  });
});
