import { connectionOf } from '../../../../src/connection/connection.js';
import type { RedisClient } from '../../../../src/connection/options/options.js';
import { Outbox } from '../../../../src/cache/outage/outbox.js';
import { RedisCache } from '../../../../src/cache/redis-cache.js';
import type { RedisCacheOptions } from '../../../../src/cache/cache-options.js';
import { EntityId, RedisEntity, RedisRepository } from '../../../../src/index.js';
import { durationToMs } from '../../../../src/time/duration.js';
import type { Telemetry } from '../../../../src/telemetry/telemetry.js';
import { historyKeys } from './history-keys.js';
import { ROWS } from './shared-state.js';

/** An entity that cached values depend on. */
@RedisEntity({ kind: 'note', ttl: '1h' })
export class Note {
  @EntityId() id!: string;
  text!: string;
}

/** One connection of a thread, and what was changed over it. */
export class HistoryConnection {
  readonly notes: RedisRepository<Note>;
  /** The newest version of each row that was invalidated over this connection, also if only its outbox knows. */
  readonly own = new Int32Array(ROWS);
  readonly outbox: Outbox;

  constructor(readonly client: RedisClient) {
    this.notes = new RedisRepository(client, historyKeys, Note);
    this.outbox = connectionOf(client).part(Outbox);
  }

  invalidated(row: number, version: number): void {
    this.own[row] = Math.max(this.own[row] as number, version);
  }
}

/** A cache of a thread. Several have the same connection. */
export class HistoryCache {
  readonly cache: RedisCache;
  readonly connection: HistoryConnection;
  /** How old what it serves may be; 0 without a near copy. */
  readonly stalenessMs: number;

  constructor(connection: HistoryConnection, options: RedisCacheOptions, telemetry: Telemetry) {
    const { near } = options;
    this.connection = connection;
    this.cache = new RedisCache(connection.client, historyKeys, options, { telemetry });
    this.stalenessMs = near ? (durationToMs(near.staleness) ?? 0) : 0;
  }

  get notes(): RedisRepository<Note> {
    return this.connection.notes;
  }

  /** How many values it has served without asking Redis. */
  get nearHits(): number {
    return this.cache.nearState?.hits ?? 0;
  }
}
