import { afterEach } from '@jest/globals';
import { track, type Tracked } from './tracked.js';

/** Ends, after each test, what the test has started, the last one first. */
export function useTracking() {
  const cleanups: (() => unknown)[] = [];
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  });
  return {
    cleanups,
    async start<T extends { stop(): Promise<void> }>(starting: Promise<T>): Promise<T> {
      const started = await starting;
      cleanups.push(() => started.stop());
      return started;
    },
    async open(...args: Parameters<typeof track>): Promise<Tracked> {
      const tracked = await track(...args);
      cleanups.push(() => tracked.close());
      return tracked;
    },
  };
}
