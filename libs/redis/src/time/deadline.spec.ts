import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { withDeadline } from './deadline.js';

describe('withDeadline', () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  it('settles like the promise, and leaves no timer behind', async () => {
    await expect(withDeadline(Promise.resolve(1), 100, () => 2)).resolves.toBe(1);
    await expect(withDeadline(Promise.reject(new Error('no')), 100, () => 2)).rejects.toThrow('no');
    expect(jest.getTimerCount()).toBe(0);
  });

  it('resolves with the substitute after the deadline', async () => {
    const waiting = withDeadline(new Promise<number>(() => undefined), 100, () => 2);
    jest.advanceTimersByTime(100);
    await expect(waiting).resolves.toBe(2);
  });

  it('rejects with the error that the substitute throws', async () => {
    const waiting = withDeadline(new Promise<number>(() => undefined), 100, () => {
      throw new Error('too late');
    });
    jest.advanceTimersByTime(100);
    await expect(waiting).rejects.toThrow('too late');
  });

  it('ignores a rejection that comes after the deadline', async () => {
    let fail: (error: Error) => void = () => undefined;
    const late = new Promise<number>((_, reject) => (fail = reject));
    const waiting = withDeadline(late, 100, () => 2);
    jest.advanceTimersByTime(100);
    await expect(waiting).resolves.toBe(2);
    fail(new Error('late'));
    await expect(late).rejects.toThrow('late');
  });
});
