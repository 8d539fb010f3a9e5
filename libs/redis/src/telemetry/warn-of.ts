import { isError } from '../errors/is-error.js';

/**
 * Tells Node of what failed while somebody was told something. It must disturb nothing, so there is
 * nobody else to tell.
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
