import { printAddress } from '../errors/print-address.js';
import type { Connection } from './connection.js';
import { recordFailure } from './driver/failures/command-failures.js';
import type { ResolvedRedisOptions } from './options/options.js';

/**
 * Announces when a connection is lost and when it is back: once each, however often the client
 * retries in between.
 *
 * @returns a function that ends the watch, to be called before the connection is closed on purpose
 * @internal
 */
export function watchConnection(
  { client, name: connection, telemetry, failures }: Connection,
  { addresses, connectTimeoutMs }: ResolvedRedisOptions,
): () => void {
  const endpoint = addresses.map(printAddress).join(',');
  let state: 'new' | 'ready' | 'down' = 'new';

  const onReady = () => {
    telemetry.announce({
      type: 'connection.ready',
      connection,
      endpoint,
      restored: state === 'down',
    });
    state = 'ready';
  };
  const goDown = (error?: Error) => {
    if (state === 'down') return;
    state = 'down';
    telemetry.announce({ type: 'connection.down', connection, endpoint, ...(error && { error }) });
  };
  const onError = (error: Error) => {
    recordFailure(error, {
      connection,
      address: addresses[0],
      timeoutMs: connectTimeoutMs,
      reason: failures.worst,
    });
    goDown(error);
  };
  const onClose = () => {
    if (state === 'ready') goDown();
  };
  client.on('ready', onReady).on('error', onError).on('close', onClose);
  return () => {
    client.off('ready', onReady).off('error', onError).off('close', onClose);
  };
}
