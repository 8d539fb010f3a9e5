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
  type FindByOptions,
  type Page,
  type PageByOptions,
  type PageOptions,
  type Patch,
  type ReadOptions,
  type RedisException,
  type SaveOptions,
  type SortOrder,
  type Ttl,
  type UpdateOptions,
} from '../../../src/index.js';
import { meetsCriteria } from '../../../src/testing/index.js';

export interface InMemoryOptions<T> {
  readonly entity: new () => T;
  readonly unique: readonly (keyof T)[];
  readonly ranges: readonly string[];
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
    refuseUnfit(limit);
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

  async findBy(
    criteria: Criteria<T>,
    { sortBy, order = 'asc', limit }: FindByOptions<T> = {},
  ): Promise<T[]> {
    if (Object.keys(criteria).length === 0 && !sortBy) throw refusal('criteria');
    refuseUnfit(limit);
    const found: T[] = [];
    for await (const entity of this.entities()) {
      if (meetsCriteria(entity, criteria)) found.push(entity);
    }
    if (!sortBy) return found.slice(0, limit);
    if (!this.options.ranges.includes(sortBy)) throw refusal('sortBy');
    const sign = order === 'asc' ? 1 : -1;
    return found
      .filter((entity) => placeOf(entity, sortBy) !== undefined)
      .sort((a, b) => sign * compare(placeOf(a, sortBy), placeOf(b, sortBy)))
      .slice(0, limit);
  }

  async findOneBy(criteria: Criteria<T>, options?: FindByOptions<T>): Promise<T | null> {
    return (await this.findBy(criteria, options))[0] ?? null;
  }

  async pageBy(
    criteria: Criteria<T>,
    { sortBy, order = 'asc', limit = 100, cursor }: PageByOptions<T>,
  ): Promise<Page<T>> {
    refuseUnfit(limit);
    const after = cursor ? placeIn(cursor, sortBy, order) : undefined;
    const sign = order === 'asc' ? 1 : -1;
    const rest = (await this.findBy(criteria, { sortBy, order })).filter(
      (entity) => after === undefined || sign * compare(placeOf(entity, sortBy), after) > 0,
    );
    const entities = rest.slice(0, limit);
    const last = rest.length > limit ? entities.at(-1) : undefined;
    return { entities, cursor: last ? cursorAt(last, sortBy, order) : null };
  }

  async countBy(criteria: Criteria<T>): Promise<number> {
    return (await this.findBy(criteria)).length;
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

/** The value of the sort and the id. */
type Place = readonly [value: number, id: string];

function placeOf(entity: Identified, sortBy: string): Place | undefined {
  const value = (entity as unknown as Record<string, unknown>)[sortBy];
  return value === undefined || value === null ? undefined : [Number(value), entity.id];
}

function compare(a: Place | undefined, b: Place | undefined): number {
  const [[valueA, idA], [valueB, idB]] = [a ?? [0, ''], b ?? [0, '']];
  if (valueA !== valueB) return valueA - valueB;
  return Buffer.compare(Buffer.from(idA), Buffer.from(idB));
}

function cursorAt(entity: Identified, sortBy: string, order: SortOrder): string {
  return JSON.stringify([sortBy, order, placeOf(entity, sortBy)]);
}

function placeIn(cursor: string, sortBy: unknown, order: SortOrder): Place {
  try {
    const [property, itsOrder, place] = JSON.parse(cursor) as [unknown, unknown, Place];
    if (property === sortBy && itsOrder === order) return place;
  } catch {
    // refused below
  }
  throw new RedisValidationException('The position', [problem('cursor')]);
}

function refuseUnfit(limit: number | undefined): void {
  if (limit === undefined) return;
  if (!Number.isInteger(limit) || limit < 1 || limit > 1_000) throw refusal('limit');
}

function refusal(setting: string): RedisConfigurationException {
  return new RedisConfigurationException([{ setting, accepted: 'something else' }]);
}
