import type { CommandEvent } from '../../telemetry/command.events.js';
import { keyForLog } from './key-for-log.js';
import type { LogPolicy } from './log-policy.js';

/** The fields that every line about a piece of work has. */
export interface WorkLine {
  readonly msg: string;
  readonly connection?: string;
  readonly operation: string;
  readonly key?: string;
  readonly success: boolean;
  readonly duration_ms: number;
}

export function commandLine(msg: string, event: CommandEvent, policy: LogPolicy): WorkLine {
  const { connection, command, durationMs } = event;
  return {
    msg,
    connection,
    operation: command,
    ...shownKey(event.key, policy),
    success: !event.failure,
    duration_ms: milliseconds(durationMs),
  };
}

/** The field of a key, if it may be written. */
export function shownKey(key: string | undefined, policy: LogPolicy): { key?: string } {
  const shown = keyForLog(key, policy);
  return shown === undefined ? {} : { key: shown };
}

/** Microseconds are the last digits that mean something. */
export function milliseconds(duration: number): number {
  return Math.round(duration * 1_000) / 1_000;
}
