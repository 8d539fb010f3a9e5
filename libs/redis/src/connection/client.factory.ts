/**
 * @module connection Clients and the pool of dedicated connections; in `options/` what they are made
 * from, in `commands/` what happens to each command, in `translation/` what its failure means. The
 * only room that uses ioredis as a value.
 */
import { Cluster, Redis } from 'ioredis';
import type { Telemetry } from '../telemetry/telemetry.js';
import { identify, identityOf } from './client-identity.js';
import { prepareNode } from './commands/prepare-node.js';
import { superviseCommands } from './commands/supervise-commands.js';
import { DedicatedClient } from './dedicated-client.js';
import { driverOptionsOf } from './driver-options.js';
import { followFailures } from './follow-failures.js';
import { openOutsideOfRequests } from './open-outside-of-requests.js';
import type { RedisClient, ResolvedRedisOptions } from './options/options.js';
import { hideArguments } from './translation/command-failures.js';

/**
 * Makes the client of a connection. It has an error listener and does not connect yet.
 *
 * @internal
 */
export function createClient(options: ResolvedRedisOptions, telemetry: Telemetry): RedisClient {
  const driver = driverOptionsOf(options);
  const lazyConnect = true;
  const client =
    driver.kind === 'cluster'
      ? new Cluster([...driver.nodes], { ...driver.options, lazyConnect })
      : new Redis({ ...driver.options, lazyConnect });
  return prepare(client, options, telemetry);
}

/**
 * Makes a further client like the given one, for exclusive use. It does not connect yet. It speaks
 * RESP2, where a connection says whether it is in subscriber mode.
 *
 * @internal
 */
export function createDedicatedClient(
  source: RedisClient,
  options: ResolvedRedisOptions,
): DedicatedClient {
  const settings = { lazyConnect: true };
  const twin =
    'nodes' in source
      ? source.duplicate([], settings)
      : source.duplicate({ ...settings, protocol: 2 });
  return new DedicatedClient(prepare(twin, options, identityOf(source).telemetry));
}

function prepare(
  client: RedisClient,
  options: ResolvedRedisOptions,
  telemetry: Telemetry,
): RedisClient {
  identify(client, { connection: options.name, telemetry });
  followFailures(client);
  client.on('error', hideArguments); // without a listener ioredis prints to the console
  if ('nodes' in client) {
    client.on('node error', hideArguments);
    client.on('+node', (node: Redis) => {
      openOutsideOfRequests(node);
      prepareNode(node);
    });
  } else {
    prepareNode(client);
  }
  openOutsideOfRequests(client);
  superviseCommands(client, options, telemetry);
  return client;
}
