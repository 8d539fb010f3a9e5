import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Pulse } from './pulse.js';

/** A server that answers when it is told to. */
class Server {
  readonly failures: unknown[] = [];
  readonly pings: (() => void)[] = [];
  check: () => Promise<void> | undefined = () => undefined;
  readonly pulse = new Pulse({
    provenAt: performance.now(),
    ping: () =>
      new Promise((resolve) => {
        this.pings.push(resolve);
      }),
    check: () => this.check(),
    failed: (error) => this.failures.push(error),
  });

  /** Answers the oldest ping. */
  async answer(): Promise<void> {
    this.pings.shift()?.();
    await jest.advanceTimersByTimeAsync(0);
  }
}

describe('Pulse', () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  it('counts a proof from when the question was sent', async () => {
    const server = new Server();
    const sentAt = performance.now();
    server.pulse.changePace(100);
    await jest.advanceTimersByTimeAsync(70);
    await server.answer();
    expect(server.pulse.provenAt).toBe(sentAt);
    await jest.advanceTimersByTimeAsync(50);
    await server.answer();
    expect(server.pulse.provenAt).toBe(sentAt + 100);
  });

  it('goes on asking while an answer is on its way, and counts the latest that came', async () => {
    const server = new Server();
    const start = performance.now();
    server.pulse.changePace(100);
    await jest.advanceTimersByTimeAsync(350);
    expect(server.pings).toHaveLength(4);
    await server.answer();
    await server.answer();
    expect(server.pulse.provenAt).toBe(start + 100);
  });

  it('waits for the check, too', async () => {
    const server = new Server();
    const start = performance.now();
    let pass = (): void => undefined;
    server.check = () =>
      new Promise((resolve) => {
        pass = resolve;
      });
    await jest.advanceTimersByTimeAsync(10);
    server.pulse.changePace(1_000);
    await server.answer();
    expect(server.pulse.provenAt).toBe(start);
    pass();
    await jest.advanceTimersByTimeAsync(0);
    expect(server.pulse.provenAt).toBe(start + 10);
  });

  it('fails once, at the first wrong answer', async () => {
    const server = new Server();
    server.check = () => Promise.reject(new Error('MOVED'));
    server.pulse.changePace(10);
    await jest.advanceTimersByTimeAsync(100);
    expect(server.failures).toEqual([new Error('MOVED')]);
  });

  it.each([
    [10, 2_000],
    [1_000, 12_000],
  ])(
    'with %d ms between heartbeats it fails after %d ms without an answer',
    async (pace, limit) => {
      const server = new Server();
      server.pulse.changePace(pace);
      await jest.advanceTimersByTimeAsync(limit);
      expect(server.failures).toEqual([]);
      await jest.advanceTimersByTimeAsync(2 * pace);
      expect(server.failures).toMatchObject([{ message: 'The server does not answer.' }]);
      const asked = server.pings.length;
      await jest.advanceTimersByTimeAsync(60_000);
      expect(server.pings).toHaveLength(asked);
    },
  );

  it('asks nothing after its end', async () => {
    const server = new Server();
    server.pulse.changePace(10);
    server.pulse.end();
    server.pulse.changePace(5);
    await jest.advanceTimersByTimeAsync(10_000);
    expect(server.pings).toHaveLength(1);
    expect(server.failures).toEqual([]);
  });

  it('has a limited number of questions on their way', async () => {
    const server = new Server();
    server.pulse.changePace(10);
    await jest.advanceTimersByTimeAsync(1_900);
    expect(server.pings).toHaveLength(64);
  });
});
