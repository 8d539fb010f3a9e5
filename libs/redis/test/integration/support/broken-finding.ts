import { type Criteria, type SaveOptions } from '../../../src/index.js';
import type { Customer } from './customer.js';
import { Double, type BrokenDouble, type Mutant } from './double.js';

/** Doubles that break what is promised about indexes. */
export const brokenFinding: readonly BrokenDouble[] = [
  [
    'finds all entities for any value',
    'finds nothing by an indexed value that no entity has',
    class extends Double {
      override async findBy() {
        return (await Promise.all([...this.stored.keys()].map((id) => this.getById(id)))).filter(
          (entity) => entity !== null,
        );
      }
    },
  ],
  [
    'finds one entity for each indexed value',
    'finds all entities that have an indexed value, and no others',
    class extends Double {
      override async findBy(criteria: Criteria<Customer>) {
        return (await super.findBy(criteria)).slice(0, 1);
      }
    },
  ],
  [
    'compares only the first of several values',
    'finds the entities that have all of several values',
    class extends Double {
      override findBy(criteria: Criteria<Customer>) {
        return super.findBy(Object.fromEntries(Object.entries(criteria).slice(0, 1)));
      }
    },
  ],
  [
    'finds any one entity',
    'finds one of the entities that have an indexed value',
    class extends Double {
      override getById(id: string) {
        return super.getById(id);
      }
      override async findOneBy() {
        return this.getById('c2');
      }
    },
  ],
  [
    'keeps a stale index after a change',
    'finds a changed entity by its new value, and not by its old one',
    staleIndex('update'),
  ],
  ['keeps a stale index after a deletion', 'does not find a deleted entity', staleIndex('delete')],
  [
    'finds expired entities',
    'does not find an expired entity',
    class extends Double {
      override async findBy(criteria: Criteria<Customer>) {
        const all = [...this.stored.values()].map(({ entity }) => entity);
        return all.filter((entity) => matches(entity, criteria));
      }
    },
  ],
  [
    'returns its stored instance from a search',
    'returns copies: a change of one changes no stored entity',
    class extends Double {
      override async findOneBy(criteria: Criteria<Customer>) {
        const found = await super.findOneBy(criteria);
        return (found && this.stored.get(found.id)?.entity) ?? null;
      }
    },
  ],
  [
    'finds the first entity for any unique value',
    'finds the entity that has a unique value',
    class extends Double {
      override async findOneBy() {
        return this.getById('c1');
      }
    },
  ],
  [
    'ignores uniqueness',
    'refuses a unique value of another entity, and changes neither of them',
    class extends Double {
      protected override refuseTaken() {
        // anything goes
      }
    },
  ],
  [
    'refuses the unique value of the same entity',
    'lets an entity keep its unique value',
    class extends Double {
      protected override refuseTaken(entity: Customer) {
        super.refuseTaken(Object.assign(this.copy(entity), { id: 'another entity' }));
      }
    },
  ],
  ...(
    [
      ['changed', 'frees a unique value when its entity has another one'],
      ['deleted', 'frees a unique value when its entity is deleted'],
      ['expired', 'frees a unique value when its entity has expired'],
    ] as const
  ).map(([how, promise]): BrokenDouble => [
    `never gives a unique value away (${how})`,
    promise,
    class extends Double {
      readonly #owners = new Map<string, string>();
      protected override refuseTaken(entity: Customer) {
        super.refuseTaken(entity);
        const owner = this.#owners.get(entity.email) ?? entity.id;
        this.#owners.set(entity.email, owner);
        if (owner !== entity.id) throw Object.assign(new Error(), { code: 'REDIS_CONFLICT' });
      }
    },
  ]),
  [
    'checks a unique value first and writes later',
    'gives a unique value to exactly one of 200 concurrent saves',
    class extends Double {
      override async save(entity: Customer, { ttl = '1h' }: SaveOptions = {}) {
        this.refuseTaken(entity);
        await this.refuseInvalid(entity);
        this.stored.set(entity.id, { entity: this.copy(entity), endsAt: this.endOf(ttl) });
        return entity;
      }
    },
  ],
];

/** Finds what an entity was saved as, whatever became of it since. */
function staleIndex(after: 'update' | 'delete'): Mutant {
  return class extends Double {
    readonly #saved: Customer[] = [];
    override async save(entity: Customer, options?: SaveOptions) {
      const saved = await super.save(entity, options);
      this.#saved.push(this.copy(entity));
      return saved;
    }
    override async findBy(criteria: Criteria<Customer>) {
      const found = this.#saved.filter((entity) => matches(entity, criteria));
      return found.filter(({ id }) => after === 'delete' || this.stored.has(id));
    }
  };
}

function matches(entity: Customer, criteria: Criteria<Customer>): boolean {
  return Object.entries(criteria).every(
    ([property, value]) => entity[property as keyof Customer] === value,
  );
}
