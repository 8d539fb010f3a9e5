import type { Command } from 'ioredis';

/** What is known about a command that is on its way. */
export interface Supervision {
  readonly command: Command;
  /** Which attempt this is: ioredis gives a command a new promise when it starts over. */
  readonly promise: Promise<unknown>;
  readonly timeoutMs: number;
  /** On the clock of `performance.now()`. */
  readonly deadline: number;
  /** ioredis's own way to reject it. */
  readonly reject: (error: Error) => void;
  rejected: boolean;
}

/** Kept on the command itself: a WeakMap would cost more than all the rest of the supervision. */
const SUPERVISION = Symbol('nestjs-redis-data:supervision');
type Carrier = Command & { [SUPERVISION]?: Supervision };

export function setSupervision(command: Carrier, supervision: Supervision): void {
  command[SUPERVISION] = supervision;
}

/** The supervision of the attempt that is under way; `undefined` before it has begun. */
export function supervisionOf(command: Carrier): Supervision | undefined {
  const supervision = command[SUPERVISION];
  return supervision?.promise === command.promise ? supervision : undefined;
}
