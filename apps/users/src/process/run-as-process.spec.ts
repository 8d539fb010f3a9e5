import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';

import type { Service } from './run-as-process.js';
import { runAsProcess } from './run-as-process.js';

/** Signals are emitted, not sent, and the exit code is recorded instead of ending the tests. */
describe('runAsProcess', () => {
  let exits: unknown[];
  let stderr: string;

  beforeEach(() => {
    exits = [];
    stderr = '';
    jest.useFakeTimers();
    jest.spyOn(process, 'exit').mockImplementation(((code: unknown) => {
      exits.push(code);
    }) as typeof process.exit);
    jest.spyOn(process.stderr, 'write').mockImplementation((text) => {
      stderr += String(text);
      return true;
    });
  });

  afterEach(() => {
    process.removeAllListeners('SIGINT').removeAllListeners('SIGTERM');
    jest.useRealTimers();
    jest.restoreAllMocks();
  });

  async function run(close: Service['close']): Promise<void> {
    await runAsProcess(() => Promise.resolve({ close }));
  }

  async function send(signal: 'SIGINT' | 'SIGTERM'): Promise<void> {
    process.emit(signal, signal);
    await jest.advanceTimersByTimeAsync(0);
  }

  it.each(['SIGINT', 'SIGTERM'] as const)('closes on %s and exits with 0', async (signal) => {
    const close = jest.fn(() => Promise.resolve());
    await run(close);

    await send(signal);

    expect(close).toHaveBeenCalledTimes(1);
    expect(exits).toEqual([0]);
  });

  it('takes the repetition that npm sends on Ctrl-C for the same request', async () => {
    const close = jest.fn(() => new Promise<void>((done) => setTimeout(done, 100)));
    await run(close);

    await send('SIGINT');
    await send('SIGINT');
    await jest.advanceTimersByTimeAsync(100);

    expect(close).toHaveBeenCalledTimes(1);
    expect(exits).toEqual([0]);
  });

  it('ends at once on a second signal', async () => {
    await run(() => new Promise(() => undefined));

    await send('SIGINT');
    await jest.advanceTimersByTimeAsync(1_000);
    expect(exits).toEqual([]);
    await send('SIGINT');

    expect(exits).toEqual([130]);
  });

  it('gives up with exit code 1 when closing takes too long', async () => {
    await run(() => new Promise(() => undefined));

    await send('SIGTERM');
    await jest.advanceTimersByTimeAsync(8_000);

    expect(exits).toEqual([1]);
    expect(stderr).toContain('8000 ms');
  });

  it('exits with 1 and the reason when closing fails', async () => {
    await run(() => Promise.reject(new Error('stuck')));

    await send('SIGTERM');

    expect(exits).toEqual([1]);
    expect(stderr).toContain('Stopping failed: Error: stuck');
  });

  it('exits with 0 on a signal that arrives during the start', async () => {
    void runAsProcess(() => new Promise(() => undefined));

    await send('SIGTERM');

    expect(exits).toEqual([0]);
  });

  it('exits with 1 and the reason when the start fails', async () => {
    await runAsProcess(() => Promise.reject(new Error('no luck')));

    expect(exits).toEqual([1]);
    expect(stderr).toContain('no luck');
  });
});
