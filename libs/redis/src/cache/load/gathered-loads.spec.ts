import { describe, expect, it, jest } from '@jest/globals';
import { LoadGate } from '../outage/load-gate.js';
import { GatheredLoads, type LoadTogether } from './gathered-loads.js';
import { LoadAbort } from './load-abort.js';
import type { LoadCall } from './load-request.js';

const nextTurn = () => new Promise(setImmediate);

function gatheredLoads(loadTimeoutMs = 10_000, gate = new LoadGate(1), inside?: () => unknown) {
  const load: LoadTogether<string, string> = async (gathered) => {
    await inside?.();
    return new Map(gathered.map(({ entry }) => [entry, `value of ${entry}`]));
  };
  const loadTogether = jest.fn(load);
  const loads = new GatheredLoads(loadTogether, gate.turn('x', 1), loadTimeoutMs);
  const aborts = new Map<string, LoadAbort>();
  return {
    loads,
    load: (key: string, place = 0) => {
      const abort = new LoadAbort();
      aborts.set(key, abort);
      const context = { abort } as LoadCall;
      return loads.load({ key, entry: key, place, context });
    },
    abort: (key: string) => aborts.get(key)?.abort(new Error(`${key} left`)),
    loaded: () => loadTogether.mock.calls.map(([all]) => all.map(({ key }) => key)),
    signals: () => loadTogether.mock.calls.map(([, signal]) => signal),
  };
}

/** A question that is answered when the test says so. */
function question() {
  let answer!: (reply: string) => void;
  let fail!: (error: Error) => void;
  const asked = new Promise<string>((resolve, reject) => {
    answer = resolve;
    fail = reject;
  });
  return { asked, answer, fail };
}

describe('GatheredLoads', () => {
  it('loads together what is ready in one turn, in the order of the call', async () => {
    const { load, loaded } = gatheredLoads();
    const values = Promise.all([load('c', 2), load('a', 0), load('b', 1)]);
    expect(loaded()).toEqual([]);
    expect(await values).toEqual(['value of c', 'value of a', 'value of b']);
    expect(loaded()).toEqual([['a', 'b', 'c']]);
  });

  it('waits for those that have asked whether they are to load, whatever the answer is', async () => {
    const { loads, load, loaded } = gatheredLoads();
    const [first, second] = [question(), question()];
    void loads.deciding(first.asked);
    loads.deciding(second.asked).catch(() => undefined);
    const a = load('a');
    await nextTurn();
    first.answer('it is');
    await nextTurn();
    expect(loaded()).toEqual([]);
    second.fail(new Error('no answer'));
    const b = load('b');
    expect([await a, await b]).toEqual(['value of a', 'value of b']);
    expect(loaded()).toEqual([['a', 'b']]);
  });

  it('waits for half of the time that a load may take at most', async () => {
    jest.useFakeTimers({ doNotFake: ['setImmediate'] });
    try {
      const { loads, load, loaded } = gatheredLoads(1_000);
      void loads.deciding(question().asked);
      void load('a');
      await jest.advanceTimersByTimeAsync(499);
      await nextTurn();
      expect(loaded()).toEqual([]);
      await jest.advanceTimersByTimeAsync(1);
      await nextTurn();
      expect(loaded()).toEqual([['a']]);
      expect(jest.getTimerCount()).toBe(0);
    } finally {
      jest.useRealTimers();
    }
  });

  it('leaves out what no caller waits for any more, and calls no loader if nothing is left', async () => {
    const { load, abort, loaded } = gatheredLoads();
    const [a, b] = [load('a'), load('b')];
    a.catch(() => undefined);
    abort('a');
    expect(await b).toBe('value of b');
    expect(loaded()).toEqual([['b']]);
    void load('c');
    abort('c');
    await nextTurn();
    await nextTurn();
    expect(loaded()).toEqual([['b']]);
  });

  it('aborts the loader when no caller waits for any of them', async () => {
    const { load, abort, signals } = gatheredLoads();
    await Promise.all([load('a'), load('b')]);
    abort('b');
    expect(signals()[0]?.aborted).toBe(false);
    abort('a');
    expect(signals()[0]?.reason).toEqual(new Error('a left'));
  });

  it('does not abort the loader because all others had left before one joined them', async () => {
    const { loads, load, abort, loaded, signals } = gatheredLoads();
    const claim = question();
    void loads.deciding(claim.asked);
    void load('a');
    abort('a');
    claim.answer('it is to load');
    expect(await load('b')).toBe('value of b');
    expect(loaded()).toEqual([['b']]);
    expect(signals()[0]?.aborted).toBe(false);
  });

  it('lends loads inside of the loader the place that one of them runs on', async () => {
    const gate = new LoadGate(1);
    const inner = () => gate.turn('inner', 1).run(() => Promise.resolve());
    const { loads, load } = gatheredLoads(10_000, gate, inner);
    const leased = load('leased');
    const uncached = loads.turn.run(() => load('uncached'));
    expect(await Promise.all([leased, uncached])).toEqual(['value of leased', 'value of uncached']);
  });

  it('lets loads that wait for other processes wait until the same moment', async () => {
    const { loads } = gatheredLoads();
    const first = loads.pause(1);
    expect(loads.pause(50)).toBe(first);
    await first;
    expect(loads.pause(1)).not.toBe(first);
  });
});
