import type { Reading } from '../../batch/multi-key.js';
import { RedisBatchException } from '../../errors/redis-batch.exception.js';
import { RedisException } from '../../errors/redis.exception.js';
import type { EntityCodec } from '../entity/entity-codec.js';
import type { IdValue } from '../entity/entity-schema.js';

/**
 * What comes of many readings: the entities, and why the others are none.
 *
 * @internal
 */
export class EntityHarvest<T extends object, Id extends IdValue> {
  readonly entities = new Map<Id, T>();
  readonly errors = new Map<Id, RedisException>();
  readonly #codec: EntityCodec<T, Id>;

  constructor(codec: EntityCodec<T, Id>) {
    this.#codec = codec;
  }

  add(id: Id, key: string, reading: Reading): void {
    if (reading === null) return;
    if (typeof reading !== 'string') {
      this.errors.set(id, reading);
      return;
    }
    try {
      this.entities.set(id, this.#codec.decode(reading, key, id));
    } catch (error) {
      this.#fail(id, error);
    }
  }

  /** Takes out what does not pass the rules, where `validateOnRead` asks for it. */
  async check(): Promise<void> {
    if (!this.#codec.validatesReads) return;
    for (const [id, entity] of this.entities) {
      try {
        await this.#codec.checkRead(entity, this.#codec.keyOf(id));
      } catch (error) {
        this.entities.delete(id);
        this.#fail(id, error);
      }
    }
  }

  /** @throws RedisBatchException if there is any error */
  unlessFailed(operation: string): Map<Id, T> {
    if (this.errors.size > 0) throw new RedisBatchException(operation, this.errors, this.entities);
    return this.entities;
  }

  #fail(id: Id, error: unknown): void {
    if (!(error instanceof RedisException)) throw error;
    this.errors.set(id, error);
  }
}
