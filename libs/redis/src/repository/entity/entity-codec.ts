import { types } from 'node:util';
import { RedisSerializationException } from '../../errors/redis-serialization.exception.js';
import { RedisValidationException } from '../../errors/redis-validation.exception.js';
import type { KeyBuilder } from '../../keys/key-builder.js';
import { encodePart } from '../../keys/key-encoding.js';
import { hasToJson, type JsonLoss } from '../../serialization/json-loss.js';
import {
  JsonSerializer,
  lossException,
  unwritable,
  writeJson,
} from '../../serialization/json.serializer.js';
import { withWrittenDates } from './iso-date.js';
import { entityLossOf, rewrittenLossOf } from './entity-loss.js';
import type { EntitySchema, IdValue } from './entity-schema.js';
import { EntityValidator } from './entity-validator.js';
import { Hydrator, UnfitError, type Plain } from './hydrator.js';

/**
 * Turns entities into keys and text, and back. Knows nothing of connections.
 *
 * @internal
 */
export class EntityCodec<T extends object, Id extends IdValue> {
  readonly #schema: EntitySchema;
  readonly #keys: KeyBuilder;
  readonly #prefix: string;
  readonly #serializer = new JsonSerializer();
  readonly #hydrator: Hydrator;
  readonly #validator: EntityValidator;

  constructor(schema: EntitySchema, keys: KeyBuilder) {
    this.#schema = schema;
    this.#keys = keys;
    this.#prefix = keys.pattern(schema.kind).slice(0, -1);
    this.#hydrator = Hydrator.of(schema.entity);
    this.#validator = new EntityValidator(schema.entity);
  }

  /** @throws RedisInvalidKeyException if this cannot be an id */
  keyOf(id: Id): string {
    return this.keyOfPart(encodePart(id, 'the id'));
  }

  /** The pattern for SCAN. A key that it finds may still be foreign: see {@link idIn}. */
  get pattern(): string {
    return `${this.#prefix}*`;
  }

  /** The id in a key, `undefined` if it is no key of this entity. */
  idIn(key: string): Id | undefined {
    const parsed = this.#keys.parse(key);
    if (!parsed || parsed.sibling !== undefined || parsed.parts.length !== 1) return undefined;
    const [text = ''] = parsed.parts;
    const id = this.#schema.id.isNumber ? Number(text) : text;
    return String(id) === text && !isNotFinite(id) ? (id as Id) : undefined; // '007' is no number that we have written
  }

  /** The last part of a key, as index entries name the entity: encoded, so that any id survives. */
  partOf(key: string): string {
    return key.slice(this.#prefix.length);
  }

  /** The key that ends with this part. */
  keyOfPart(part: string): string {
    return this.#prefix + part;
  }

  idOf(entity: T): Id {
    return (entity as Plain)[this.#schema.id.property] as Id;
  }

  /**
   * The entity itself, or an instance made of an object that looks like one.
   *
   * @throws RedisValidationException if a date is none, or something nested is no object
   */
  instanceOf(given: T): T {
    if (given instanceof this.#schema.entity) return given;
    return this.#given(() => this.#hydrator.hydrate(given as Plain) as T);
  }

  /**
   * Gives an entity some other values.
   *
   * @throws RedisValidationException as {@link instanceOf}
   */
  assign(entity: T, patch: object): void {
    this.#given(() => {
      this.#hydrator.assign(entity, patch as Plain);
    });
  }

  /** @throws RedisValidationException if the entity does not have this id */
  refuseOtherId(entity: T, id: Id): void {
    if (String(this.idOf(entity)) === String(id)) return;
    const messages = ['must not change: it is the id'];
    throw new RedisValidationException(this.#schema.kind, [
      { property: this.#schema.id.property, messages },
    ]);
  }

  /** Whether an entity surely is valid, told at once; if not, {@link validate} decides. */
  isSurelyValid(instance: T): boolean {
    return this.#validator.isSurelyValid(instance);
  }

  /** @throws RedisValidationException with everything that is wrong */
  async validate(instance: T): Promise<void> {
    const problems = await this.#validator.problemsOf(instance);
    if (problems.length > 0) throw new RedisValidationException(this.#schema.kind, problems);
  }

  /**
   * The text of an entity as it is now.
   *
   * @returns RedisSerializationException if it would not come back equal, for the caller to throw once
   * everything is known that is not valid
   */
  encode(instance: T, key: string): string | RedisSerializationException {
    try {
      const said: unknown = hasToJson(instance) ? instance.toJSON('') : instance;
      const loss = this.#lossOf(instance, said);
      if (loss) return lossException(key, loss, remedyOf(loss));
      if (said === instance) return writeJson(withWrittenDates(instance), key);
      const text = writeJson({ toJSON: () => said }, key);
      this.#plainOf(text, key, this.idOf(instance)); // it may be what no read takes for this entity
      return text;
    } catch (error) {
      return error instanceof RedisSerializationException ? error : unwritable(key, error);
    }
  }

  #lossOf(instance: T, said: unknown): JsonLoss | undefined {
    if (typeof said !== 'object' || said === null) return undefined; // its text is refused
    const loss = entityLossOf(instance, said, this.#hydrator);
    if (loss || said !== instance) return loss;
    const { id, indexes } = this.#schema;
    const paths = [...indexes.values()].map(({ path }) => path);
    return rewrittenLossOf(instance, [[id.property], ...paths], this.#hydrator);
  }

  /**
   * A whole entity or an exception, never half an entity.
   *
   * @throws RedisSerializationException if the text is no JSON object, has another id than its key,
   * or does not fit the class
   */
  decode(text: string, key: string, id: IdValue): T {
    const plain = this.#plainOf(text, key, id);
    try {
      return this.#hydrator.hydrate(plain) as T;
    } catch (error) {
      throw unfit(error, this.#schema.kind, key);
    }
  }

  #plainOf(text: string, key: string, id: IdValue): Plain {
    const plain = this.#serializer.deserialize(text, key);
    const { kind, id: idProperty } = this.#schema;
    if (typeof plain !== 'object' || plain === null || Array.isArray(plain)) {
      throw new RedisSerializationException(key, `is not a ${kind}: it is no JSON object`);
    }
    const stored = (plain as Plain)[idProperty.property];
    if (stored !== id && (isAbsent(stored) || String(stored) !== String(id))) {
      const problem = `is not the ${kind} of this key: its ${idProperty.property} is another one`;
      throw new RedisSerializationException(key, problem);
    }
    return plain as Plain;
  }

  get validatesReads(): boolean {
    return this.#schema.validateOnRead;
  }

  /**
   * For entities that are validated on read.
   *
   * @throws RedisSerializationException naming the properties that do not pass the rules
   */
  async checkRead(instance: T, key: string): Promise<T> {
    if (this.#validator.isSurelyValid(instance)) return instance;
    const problems = await this.#validator.problemsOf(instance);
    if (problems.length === 0) return instance;
    const properties = problems.map(({ property }) => property).join(', ');
    throw new RedisSerializationException(
      key,
      `is not a valid ${this.#schema.kind}: look at ${properties}`,
    );
  }

  #given<R>(make: () => R): R {
    try {
      return make();
    } catch (error) {
      if (!(error instanceof UnfitError)) throw error;
      const { path: property, problem } = error;
      throw new RedisValidationException(this.#schema.kind, [{ property, messages: [problem] }]);
    }
  }
}

function remedyOf({ value, remedy }: JsonLoss): string {
  if (types.isDate(value)) return 'put @Type(() => Date) on the property, and give it a valid Date';
  if (typeof value !== 'object' && typeof value !== 'bigint') return remedy;
  return `${remedy}, or say how it is written and read with a toJSON and a @Transform`;
}

function isNotFinite(id: IdValue): boolean {
  return typeof id === 'number' && !Number.isFinite(id);
}

function isAbsent(stored: unknown): boolean {
  return typeof stored !== 'string' && typeof stored !== 'number';
}

function unfit(error: unknown, kind: string, key: string): RedisSerializationException {
  if (error instanceof UnfitError) {
    return new RedisSerializationException(key, `does not fit a ${kind}: ${error.message}`);
  }
  const problem = `cannot become a ${kind}: its constructor or a @Transform failed`;
  return new RedisSerializationException(key, problem, { cause: error });
}
