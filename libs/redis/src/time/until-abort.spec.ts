import { getEventListeners } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import { untilAbort, whenAborted } from './until-abort.js';

const listenersOf = (signal: AbortSignal) => getEventListeners(signal, 'abort').length;
const never = new Promise<never>(() => undefined);

describe('whenAborted', () => {
  it('adds one listener for any number of functions, until the last is removed', () => {
    const { signal } = new AbortController();
    const all = Array.from({ length: 40 }, () => whenAborted(signal, () => undefined));
    expect(listenersOf(signal)).toBe(1);
    const [first, ...others] = all;
    for (const takeBack of others) takeBack();
    expect(listenersOf(signal)).toBe(1);
    first?.();
    first?.();
    expect(listenersOf(signal)).toBe(0);
  });

  it('calls each function that was not removed, also one that was added twice', () => {
    const controller = new AbortController();
    const told: string[] = [];
    const twice = () => told.push('twice');
    whenAborted(controller.signal, twice);
    whenAborted(controller.signal, twice);
    whenAborted(controller.signal, () => told.push('taken back'))();
    controller.abort();
    expect(told).toEqual(['twice', 'twice']);
  });

  it('listens again after all functions were removed', () => {
    const controller = new AbortController();
    const told: string[] = [];
    const takeBack = whenAborted(controller.signal, () => told.push('first'));
    takeBack();
    whenAborted(controller.signal, () => told.push('second'));
    takeBack();
    controller.abort();
    expect(told).toEqual(['second']);
  });
});

describe('untilAbort', () => {
  it('rejects with the reason, at once if the signal has aborted', async () => {
    const controller = new AbortController();
    const waiting = untilAbort(never, controller.signal);
    const reason = new Error('left');
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    await expect(untilAbort(never, controller.signal)).rejects.toBe(reason);
  });

  it('leaves no listener behind, whether the promise resolves or rejects', async () => {
    const { signal } = new AbortController();
    const failing = Promise.reject(new Error('no'));
    expect(await untilAbort(Promise.resolve(1), signal)).toBe(1);
    await expect(untilAbort(failing, signal)).rejects.toThrow('no');
    expect(listenersOf(signal)).toBe(0);
  });
});
