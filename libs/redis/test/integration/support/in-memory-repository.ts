import { instanceToInstance } from 'class-transformer';
import { validate } from 'class-validator';
import {
  parseDuration,
  RedisBatchException,
  RedisConfigurationException,
  RedisConflictException,
  RedisKeyNotFoundException,
  RedisValidationException,
  type Change,
  type Criteria,
  type EntityRepository,
  type Page,
  type PageOptions,
  type Patch,
  type ReadOptions,
  type RedisException,
  type SaveOptions,
  type Ttl,
  type UpdateOptions,
} from '../../../src/index.js';

export interface InMemoryOptions<T> {
  readonly entity: new () => T;
  readonly unique: readonly (keyof T)[];
  readonly now: () => number;
}

export interface Stored<T> {
  readonly entity: T;
  readonly endsAt: number;
}

type Identified = object & { id: string };

/** The port without Redis, as an application might write it for its tests. Its ids are called `id`. */
export class InMemoryRepository<T extends Identified> implements EntityRepository<T, string> {
  protected readonly stored = new Map<string, Stored<T>>();
  protected readonly options: InMemoryOptions<T>;

  constructor(options: InMemoryOptions<T>) {
    this.options = options;
  }

  async getById(id: string, { signal }: ReadOptions = {}): Promise<T | null> {
    signal?.throwIfAborted();
    const found = this.standing(id);
    return found ? this.copy(found.entity) : null;
  }

  async getByIdOrFail(id: string, options?: ReadOptions): Promise<T> {
    const entity = await this.getById(id, options);
    if (entity === null) throw new RedisKeyNotFoundException(id);
    return entity;
  }

  async getAll(ids: readonly string[]): Promise<Map<string, T>> {
    const found = new Map<string, T>();
    for (const id of ids) {
      const entity = await this.getById(id);
      if (entity !== null) found.set(id, entity);
    }
    return found;
  }

  async save(entity: T, { ttl = '1h' }: SaveOptions = {}): Promise<T> {
    const endsAt = this.endOf(ttl);
    await this.refuseInvalid(entity);
    this.refuseTaken(entity);
    this.stored.set(entity.id, { entity: this.copy(entity), endsAt });
    return entity;
  }

  async saveAll(entities: readonly T[], options?: SaveOptions): Promise<void> {
    const errors = new Map<string, RedisException>();
    const results = new Map<string, T>();
    for (const entity of entities) {
      try {
        results.set(entity.id, await this.save(entity, options));
      } catch (error) {
        errors.set(entity.id, error as RedisException);
      }
    }
    if (errors.size > 0) throw new RedisBatchException('saveAll', errors, results);
  }

  async update(
    id: string,
    change: Patch<T> | Change<T>,
    { ttl = 'keep' }: UpdateOptions = {},
  ): Promise<T | null> {
    const endsAt = ttl === 'keep' ? undefined : this.endOf(ttl === 'default' ? '1h' : ttl);
    for (;;) {
      const seen = this.standing(id);
      if (!seen) return null;
      const entity = this.copy(seen.entity);
      const patch = typeof change === 'function' ? await change(entity) : change;
      Object.assign(entity, patch);
      if (entity.id !== id) throw new RedisValidationException('entity', [problem('id')]);
      await this.refuseInvalid(entity);
      if (this.standing(id) !== seen) continue; // changed by another update in the meantime
      this.refuseTaken(entity);
      this.stored.set(id, { entity: this.copy(entity), endsAt: endsAt ?? seen.endsAt });
      return entity;
    }
  }

  async delete(id: string): Promise<boolean> {
    return this.standing(id) !== undefined && this.stored.delete(id);
  }

  async deleteAll(ids: readonly string[]): Promise<number> {
    const deleted = await Promise.all(ids.map((id) => this.delete(id)));
    return deleted.filter(Boolean).length;
  }

  async exists(id: string): Promise<boolean> {
    return this.standing(id) !== undefined;
  }

  async expire(id: string, ttl: Ttl): Promise<boolean> {
    const endsAt = this.endOf(ttl);
    const found = this.standing(id);
    if (found) this.stored.set(id, { ...found, endsAt });
    return found !== undefined;
  }

  async *ids(): AsyncGenerator<string> {
    for (const id of this.stored.keys()) if (this.standing(id)) yield id;
  }

  async *entities(): AsyncGenerator<T> {
    for await (const id of this.ids()) yield this.getByIdOrFail(id);
  }

  async page({ limit = 100, cursor }: PageOptions = {}): Promise<Page<T>> {
    if (!Number.isInteger(limit) || limit < 1 || limit > 1_000) throw refusal('limit');
    const entities: T[] = [];
    for await (const entity of this.entities()) entities.push(entity);
    const start = Number(cursor ?? 0);
    const end = start + limit;
    const next = end < entities.length ? String(end) : null;
    return { entities: entities.slice(start, end), cursor: next };
  }

  async count(): Promise<number> {
    const standing = [...this.stored.keys()].filter((id) => this.standing(id));
    return standing.length;
  }

  async findBy(criteria: Criteria<T>): Promise<T[]> {
    const wanted = Object.entries(criteria) as [keyof T, unknown][];
    const found: T[] = [];
    for await (const entity of this.entities()) {
      if (wanted.every(([property, value]) => entity[property] === value)) found.push(entity);
    }
    return found;
  }

  async findOneBy(criteria: Criteria<T>): Promise<T | null> {
    return (await this.findBy(criteria))[0] ?? null;
  }

  protected standing(id: string): Stored<T> | undefined {
    const found = this.stored.get(id);
    return found && found.endsAt > this.options.now() ? found : undefined;
  }

  protected copy(entity: T): T {
    return Object.assign(new this.options.entity(), instanceToInstance({ ...entity }));
  }

  protected endOf(ttl: Ttl): number {
    return ttl === 'forever' ? Infinity : this.options.now() + parseDuration(ttl, 'ttl');
  }

  protected refuseTaken(entity: T): void {
    for (const [id, { entity: other }] of this.stored) {
      const taken = this.options.unique.find((property) => other[property] === entity[property]);
      if (taken === undefined || id === entity.id || !this.standing(id)) continue;
      throw new RedisConflictException(id, `another one has this ${String(taken)}`);
    }
  }

  protected async refuseInvalid(entity: T): Promise<void> {
    const problems = await validate(this.copy(entity));
    if (problems.length === 0) return;
    const named = problems.map(({ property }) => problem(property));
    throw new RedisValidationException('entity', named);
  }
}

function problem(property: string) {
  return { property, messages: ['cannot be this'] };
}

function refusal(setting: string): RedisConfigurationException {
  return new RedisConfigurationException([{ setting, accepted: 'something else' }]);
}
