import { isError } from '../errors/is-error.js';

/**
 * Emits a warning of the Node process about a failed listener or tracer. Such a failure must not disturb
 * the work, so there is no caller to throw it at.
 *
 * @internal
 */
export function warnOf(what: string, error: unknown): void {
  const { stack } = isError(error) ? error : {};
  const reason = isError(error) ? String(error) : 'it threw no error';
  process.emitWarning(`${what} failed: ${reason}`, {
    ...(stack !== undefined && { detail: stack }),
  });
}
