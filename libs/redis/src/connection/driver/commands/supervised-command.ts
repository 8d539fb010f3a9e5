import type { Command } from 'ioredis';
import type { CommandReport } from './command-report.js';

/** What is known about a command that is on its way. */
export interface Supervision {
  readonly command: Command;
  /** Which attempt this is: ioredis gives a command a new promise when it starts over. */
  readonly promise: Promise<unknown>;
  /** For a command of a pipeline: where ioredis collects its bytes, a new object for each attempt. */
  readonly pipeline: object | undefined;
  /** Everything sent so far in the same pipeline; a plain command is alone. */
  readonly companions: readonly Supervision[];
  readonly timeoutMs: number;
  /** When it was sent, on the clock of `performance.now()`. */
  readonly start: number;
  readonly deadline: number;
  /** ioredis's own way to reject it. */
  readonly reject: (error: Error) => void;
  /** ioredis's own way to resolve it. */
  readonly resolve: (reply: unknown) => void;
  /** Present if somebody wants to hear how it ends, until it has ended. */
  report: CommandReport | undefined;
  rejected: boolean;
}

/** Kept on the command itself: a WeakMap would cost more than all the rest of the supervision. */
const SUPERVISION = Symbol('nestjs-redis-data:supervision');
type Carrier = Command & { [SUPERVISION]?: Supervision };

export function setSupervision(command: Carrier, supervision: Supervision): void {
  command[SUPERVISION] = supervision;
}

/** The supervision of the latest attempt. */
export function latestSupervisionOf(command: Carrier): Supervision | undefined {
  return command[SUPERVISION];
}

/**
 * The supervision of the attempt that is under way; `undefined` before it has begun. ioredis renews
 * the promises of a pipeline before it knows whether it will try again, so they say nothing there.
 */
export function supervisionOf(
  command: Carrier,
  pipeline: object | undefined,
): Supervision | undefined {
  const supervision = latestSupervisionOf(command);
  if (!supervision) return undefined;
  const isThisAttempt = supervision.pipeline
    ? supervision.pipeline === pipeline
    : supervision.promise === command.promise;
  return isThisAttempt ? supervision : undefined;
}

/** Nobody waits for it any more. */
export function isSettled({ rejected, command }: Supervision): boolean {
  return rejected || command.isResolved;
}

/** In ioredis's own words, so that it reads the same to whoever knows them. @returns them */
export function rejectAsLate({ command }: Supervision): Error {
  const late = new Error('Command timed out');
  command.reject(late);
  return late;
}
