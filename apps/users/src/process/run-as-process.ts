/**
 * @module process The application as an operating system process: signals, deadlines, exit codes.
 */
import { constants } from 'node:os';
import { inspect } from 'node:util';

import { describeStartupFailure } from './startup-failure.js';

/** Something that runs until it is closed. */
export interface Service {
  close(): Promise<void>;
}

type StopSignal = 'SIGINT' | 'SIGTERM';

/** How long a stop may take before the process ends regardless; Docker waits 10 s before it kills. */
const STOP_DEADLINE_MS = 8_000;

/**
 * A signal that is repeated this soon is the same request: on Ctrl-C the terminal signals every process of
 * the group, and npm passes the signal on as well.
 */
const SAME_REQUEST_MS = 500;

/**
 * Starts a service and runs it until the process is asked to stop. SIGINT and SIGTERM close it and exit with
 * 0. If closing fails or takes too long, the exit code is 1. A second signal ends the process at once. A
 * start that fails prints the reason on stderr and exits with 1.
 *
 * Nest's `enableShutdownHooks` is not used: it ends by signalling the process again, so that an orderly stop
 * looks like a kill (exit code 143).
 */
export async function runAsProcess(start: () => Promise<Service>): Promise<void> {
  let service: Service | undefined;
  onStopSignals(async () => {
    // Still starting: there are no requests to finish.
    await service?.close();
  });
  try {
    service = await start();
  } catch (error) {
    process.stderr.write(`${describeStartupFailure(error)}\n`);
    process.exit(1);
  }
}

function onStopSignals(stop: () => Promise<void>): void {
  let stoppingSince: number | undefined;
  const handle = (signal: StopSignal): void => {
    if (stoppingSince === undefined) {
      stoppingSince = Date.now();
      void stopAndExit(stop);
    } else if (Date.now() - stoppingSince > SAME_REQUEST_MS) {
      process.exit(128 + constants.signals[signal]);
    }
  };
  process.on('SIGINT', handle);
  process.on('SIGTERM', handle);
}

async function stopAndExit(stop: () => Promise<void>): Promise<void> {
  setTimeout(() => {
    process.stderr.write(`Stopping took longer than ${STOP_DEADLINE_MS} ms; giving up.\n`);
    process.exit(1);
  }, STOP_DEADLINE_MS).unref();
  try {
    await stop();
    process.exit(0);
  } catch (error) {
    process.stderr.write(`Stopping failed: ${inspect(error)}\n`);
    process.exit(1);
  }
}
