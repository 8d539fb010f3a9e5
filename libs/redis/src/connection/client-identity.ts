import { Telemetry } from '../telemetry/telemetry.js';
import type { RedisClient } from './options/options.js';

/** Whose a client is. */
export interface ClientIdentity {
  /** The name of its connection. */
  readonly connection: string;
  /** Where to announce what is done with it. */
  readonly telemetry: Telemetry;
}

const identities = new WeakMap<RedisClient, ClientIdentity>();

/** A client that somebody else made: nobody is told. */
const STRANGER: ClientIdentity = { connection: 'default', telemetry: new Telemetry() };

export function identify(client: RedisClient, identity: ClientIdentity): void {
  identities.set(client, identity);
}

/** @internal */
export function identityOf(client: RedisClient): ClientIdentity {
  return identities.get(client) ?? STRANGER;
}
