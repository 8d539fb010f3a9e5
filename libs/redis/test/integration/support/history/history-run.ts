import { setTimeout as sleep } from 'node:timers/promises';
import type { Violation } from './history-caller.js';

/** The longest time to wait for threads that do not make progress. */
export const PATIENCE_MS = 40_000;

/** More would only be repetitions. */
const MOST_VIOLATIONS = 20;

export interface HistoryOutcome {
  readonly figures: Readonly<Record<string, number>>;
  readonly faults: Readonly<Record<string, number>>;
  readonly violations: readonly Violation[];
  readonly seconds: number;
}

/** A run of a random history: collects what must not happen, and waits for its threads with patience. */
export abstract class HistoryRun {
  protected readonly violations: Violation[] = [];

  protected get hasEnoughViolations(): boolean {
    return this.violations.length >= MOST_VIOLATIONS;
  }

  /** Does everything, until it has ended. */
  abstract run(): Promise<void>;

  /** Lets go of everything, also after a failure. */
  abstract stop(): Promise<void>;

  protected report(what: string): void {
    this.violations.push({ what, key: '', events: [] });
  }

  /** Reports a violation if this takes too long. */
  protected async until(what: string, isSo: () => boolean): Promise<void> {
    const giveUpAt = performance.now() + PATIENCE_MS;
    while (!isSo()) {
      if (performance.now() > giveUpAt) {
        this.report(`waited ${PATIENCE_MS / 1_000} s until ${what}`);
        return;
      }
      await sleep(5);
    }
  }
}

/** Runs a history to its end, and stops it in any case. @returns how many seconds it took */
export async function runToEnd(history: HistoryRun): Promise<number> {
  const startedAt = performance.now();
  try {
    await history.run();
  } finally {
    await history.stop();
  }
  return (performance.now() - startedAt) / 1_000;
}
