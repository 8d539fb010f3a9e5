import { RedisConnectionException } from '../errors/redis-connection.exception.js';
import { printAddress } from '../errors/print-address.js';
import { withDeadline } from '../time/deadline.js';
import type { Connection } from './connection.js';
import type { ResolvedRedisOptions } from './options/options.js';
import { explainFailure } from './driver/failures/explain-failure.js';
import { noConnection, sentenceOf } from './driver/failures/translate-error.js';

/**
 * Holds the boot until Redis is ready, as the policies `wait` and `require` say.
 *
 * @throws RedisConnectionException when Redis is not ready in time and the policy is `require`; at once
 * when waiting would not help: a certificate that is not accepted, a name that the sentinels do not
 * know, a server of another kind
 * @throws RedisAuthenticationException at once when Redis or the sentinels refuse the credentials
 * @internal
 */
export async function awaitStartup(
  connection: Connection,
  options: ResolvedRedisOptions,
): Promise<void> {
  const { client, failures } = connection;
  let lastError: Error | undefined;
  let stopListening = (): void => undefined;

  const outcome = new Promise<Outcome>((resolve, reject) => {
    const onReady = () => {
      resolve('ready');
    };
    const onEnd = () => {
      resolve('closed'); // by us, because another part of the boot failed
    };
    const onError = (error: Error) => {
      lastError = error;
      if (failures.arePermanent) reject(cannotStart(connection, options, error));
    };
    client.on('ready', onReady).on('end', onEnd).on('error', onError);
    stopListening = () => client.off('ready', onReady).off('end', onEnd).off('error', onError);
  });
  try {
    const reached = await withDeadline<Outcome>(outcome, options.startupTimeoutMs, () => 'late');
    if (reached !== 'ready' && options.startup === 'require') {
      throw notReady(connection, options, lastError, reached);
    }
  } finally {
    stopListening();
  }
}

type Outcome = 'ready' | 'closed' | 'late';

/** The exception where waiting would not help: a certificate, credentials, another kind of server. */
function cannotStart(
  { name: connection, failures }: Connection,
  { addresses: [address] }: ResolvedRedisOptions,
  error: Error,
) {
  return noConnection({ error, connection, address }, failures.worst);
}

function notReady(
  { name: connection, failures }: Connection,
  options: ResolvedRedisOptions,
  error: Error | undefined,
  outcome: Outcome,
): RedisConnectionException {
  const failure = failures.worst;
  const [configured] = options.addresses;
  const { host, port } = failure?.address ?? configured;
  const when =
    outcome === 'late' ? `within ${options.startupTimeoutMs} ms` : 'before it was closed';
  const why = failure
    ? sentenceOf(failure, configured)
    : `There was no answer from ${printAddress({ host, port })}. Is the server running, and is the address right?`;
  return new RedisConnectionException({
    host,
    port,
    connection,
    originalError: error,
    ...(failure && { reason: explainFailure(failure).code }),
    message:
      `Redis was not ready ${when}, and startup is 'require'. ${why} ` +
      "With 'wait' or 'background' the application starts all the same.",
  });
}
