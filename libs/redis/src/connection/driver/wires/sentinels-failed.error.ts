import { isError } from '../../../errors/is-error.js';
import { printAddress } from '../../../errors/print-address.js';
import type { RedisAddress } from '../../options/options.js';
import { classifyError } from '../failures/classify-error.js';
import { hideArguments } from '../failures/command-failures.js';

export interface SentinelFailure {
  readonly address: Partial<RedisAddress>;
  readonly error: unknown;
}

const DEFAULT_PORT = 26_379;

/**
 * What the driver reports when no sentinel gave the address of a server. If one refused the
 * credentials, that is the reason: the others would, too.
 *
 * @internal
 */
export class SentinelsFailedError extends Error {
  override readonly name = 'SentinelsFailedError';
  /** The refusal of the credentials, if it is one. */
  readonly refusal: Error | undefined;

  constructor(sentinelName: string, failures: readonly SentinelFailure[]) {
    const errors = failures.map(({ error }) => error).filter(isError);
    for (const error of errors) hideArguments(error);
    const refusal = errors.find((error) => classifyError(error, true)?.kind === 'authentication');
    super(
      `No sentinel names a server for "${sentinelName}": ${failures.map(describe).join(', ')}`,
      { cause: refusal ?? errors.at(-1) },
    );
    this.refusal = refusal;
  }
}

function describe({
  address: { host = 'localhost', port = DEFAULT_PORT },
  error,
}: SentinelFailure) {
  const { code, message = 'no answer' } = error as Partial<NodeJS.ErrnoException>;
  return `${printAddress({ host, port })} (${code ?? message.split('\n', 1)[0]})`;
}
