import type { ConnectionWarning } from '../telemetry/connection.events.js';
import { Telemetry } from '../telemetry/telemetry.js';
import type { RedisClient } from './options/options.js';
import type { Recovery } from './driver/recovery/recovery.js';

/** Whose a client is. */
export interface ClientIdentity {
  /** The name of its connection. */
  readonly connection: string;
  /** Where to announce what is done with it. */
  readonly telemetry: Telemetry;
  /** How long one of its commands may take. */
  readonly commandTimeoutMs: number;
  /** What keeps it, and its dedicated twins, connected to the right server. */
  readonly recovery?: Recovery;
}

const identities = new WeakMap<RedisClient, ClientIdentity>();

/** A client that somebody else made: nobody is told. */
const STRANGER: ClientIdentity = {
  connection: 'default',
  telemetry: new Telemetry(),
  commandTimeoutMs: 5_000, // the default of a connection
};

export function identify(client: RedisClient, identity: ClientIdentity): void {
  identities.set(client, identity);
}

/** Announces that a connection of a client is not as it was configured. */
export function warningsOf(client: RedisClient): (about: ConnectionWarning['about']) => void {
  return (about) => {
    const { connection, telemetry } = identityOf(client);
    telemetry.announce({ type: 'connection.warning', connection, about });
  };
}

/** @internal */
export function identityOf(client: RedisClient): ClientIdentity {
  return identities.get(client) ?? STRANGER;
}
