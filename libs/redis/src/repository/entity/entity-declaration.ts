import type { Ttl } from '../../time/ttl.js';

export interface RedisEntityOptions {
  /**
   * The first part of every key, and the entity's name in errors.
   * @example 'user' // user:myapp:production:123
   */
  readonly kind: string;
  /**
   * How long an entity lives after it was last saved.
   * @default the connection's `defaultTtl`, which is `'1h'` unless configured
   */
  readonly ttl?: Ttl;
  /**
   * Whether what is read has to pass the class-validator rules too. It costs about as much as the
   * validation on save.
   * @default false
   */
  readonly validateOnRead?: boolean;
}

/** What the decorators of one class say, its ancestors' not included. */
export interface EntityDeclaration {
  options?: RedisEntityOptions;
  id?: { readonly property: string; readonly isNumber: boolean };
  readonly indexes: Map<string, { readonly unique: boolean }>;
}

/** A global symbol: the ESM and the CommonJS build of this library may meet in one process. */
const DECLARATION = Symbol.for('nestjs-redis-data:entity');

type Declared = object & { [DECLARATION]?: EntityDeclaration };

/** The declaration of exactly this class, begun when there is none. */
export function declarationOf(entity: Declared): EntityDeclaration {
  const declared = ownDeclarationOf(entity);
  if (declared) return declared;
  const declaration: EntityDeclaration = { indexes: new Map() };
  Object.defineProperty(entity, DECLARATION, { value: declaration });
  return declaration;
}

/** From the class itself down to its most distant ancestor. */
export function declarationsOf(entity: object): EntityDeclaration[] {
  const declarations: EntityDeclaration[] = [];
  for (let at: unknown = entity; typeof at === 'function'; at = Object.getPrototypeOf(at)) {
    const declaration = ownDeclarationOf(at);
    if (declaration) declarations.push(declaration);
  }
  return declarations;
}

function ownDeclarationOf(entity: Declared): EntityDeclaration | undefined {
  return Object.hasOwn(entity, DECLARATION) ? entity[DECLARATION] : undefined;
}
