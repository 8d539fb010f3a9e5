import { SpanStatusCode, type Span } from '@opentelemetry/api';
import { translateError } from '../connection/driver/failures/translate-error.js';
import { isError } from '../errors/is-error.js';
import { RedisException } from '../errors/redis.exception.js';

/**
 * Records the failure of work in its span, as OpenTelemetry's own instrumentations do.
 *
 * A failure of Redis is recorded with its name, code and stack only: its message names the key, a part of
 * which may be an e-mail address. A thrown value that is no error may be a stored value, and is not
 * recorded.
 *
 * @internal
 */
export function recordFailure(span: Span, error: unknown): void {
  const { exception, status } = describe(error);
  span.recordException(exception);
  span.setAttribute('error.type', exception.name);
  span.setStatus({ code: SpanStatusCode.ERROR, message: status });
}

interface Description {
  readonly exception: { name: string; message?: string; stack?: string };
  readonly status: string;
}

function describe(error: unknown): Description {
  if (!isError(error)) {
    const message = 'Something was thrown that is no Error';
    return { exception: { name: typeof error, message }, status: message };
  }
  const failure = error instanceof RedisException ? error : translateError(error);
  if (!failure) return { exception: error, status: error.message };
  const { name, code } = failure;
  const frames = framesOf(error);
  return { exception: { name, ...(frames && { stack: name + frames }) }, status: code };
}

/** The part of the stack after the message; `undefined` if it cannot be told apart with certainty. */
function framesOf({ message, stack = '' }: Error): string | undefined {
  const start = stack.indexOf(message) + message.length;
  const frames = stack.slice(start);
  return stack.includes(message) && frames.startsWith('\n') ? frames : undefined;
}
