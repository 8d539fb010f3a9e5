import { beforeEach, describe, expect, it } from '@jest/globals';
import { Exclude, Expose, Transform, Type } from 'class-transformer';
import { caught } from './support/caught.js';
import {
  EntityId,
  Indexed,
  RedisEntity,
  RedisRepository,
  type KeyBuilder,
} from '../../src/index.js';
import { onOneServer } from './support/repository-servers.js';

class Money {
  amount!: number;
  currency!: string;
  toString(): string {
    return `${this.amount} ${this.currency}`;
  }
}

class Line {
  text!: string;
  @Type(() => Money) price!: Money;
  @Type(() => Date) at!: Date;
  @Type(() => Line) parts?: Line[];
}

abstract class Payment {
  kind!: string;
  abstract isPaid(): boolean;
}
class Card extends Payment {
  digits!: string;
  isPaid(): boolean {
    return true;
  }
}
class Invoice extends Payment {
  @Type(() => Date) due!: Date;
  isPaid(): boolean {
    return false;
  }
}

@RedisEntity({ kind: 'draft' })
class Draft {
  @EntityId() id!: string;
  @Indexed() text?: string;
  json: unknown;
  toJSON(): unknown {
    return this.json;
  }
}

@RedisEntity({ kind: 'order' })
class Order {
  @EntityId() id!: string;
  @Type(() => Date) at!: Date;
  @Type(() => Date) reminders!: Date[];
  @Type(() => Date) shippedAt?: Date | null;
  @Type(() => Line) lines!: Line[];
  @Type(() => Line) matrix?: Line[][];
  @Type(() => Payment, {
    keepDiscriminatorProperty: true,
    discriminator: {
      property: 'kind',
      subTypes: [
        { name: 'card', value: Card },
        { name: 'invoice', value: Invoice },
      ],
    },
  })
  payment?: Payment;
  @Transform(({ value }: { value: string }) => value.toUpperCase(), { toClassOnly: true })
  code?: string;
  @Exclude() secret?: string;
  @Expose({ name: 'notes' }) comment?: string;
  @Expose({ groups: ['staff'] }) margin?: number;
  anything?: unknown;
  get total(): number {
    return this.lines.reduce((sum, { price }) => sum + price.amount, 0);
  }
  get shout(): string {
    return this.comment ?? '';
  }
  set shout(text: string) {
    this.comment = text;
  }
}

@RedisEntity({ kind: 'collection' })
class Collection {
  @EntityId() id!: string;
  @Type(() => Money) prices!: Set<Money>;
  @Type(() => Money) byName!: Map<string, Money>;
}

const money = (amount: number): Money => Object.assign(new Money(), { amount, currency: 'EUR' });
const line = (amount: number, changes: Partial<Line> = {}): Line =>
  Object.assign(new Line(), { text: 'x', price: money(amount), at: new Date(amount), ...changes });
const order = (changes: Partial<Order> = {}): Order =>
  Object.assign(new Order(), {
    id: '1',
    at: new Date(5),
    reminders: [new Date(6), new Date(7)],
    lines: [line(1), line(2)],
    ...changes,
  });

describe('A saved entity', () => {
  onOneServer((stage) => {
    let keys: KeyBuilder;
    let orders: RedisRepository<Order>;
    beforeEach(() => {
      keys = stage.keys();
      orders = new RedisRepository(stage.client, keys, Order);
    });
    const reread = async (entity: Order): Promise<Order> => {
      await orders.save(entity);
      return orders.getByIdOrFail('1');
    };

    it('comes back as instances of its classes, with dates at any depth', async () => {
      const parts = [line(3, { parts: [line(4)] })];
      const given = order({ lines: [line(1, { parts }), line(2)], matrix: [[line(5)], []] });
      const found = await reread(given);
      expect(found).toEqual(given);
      expect(found).toBeInstanceOf(Order);
      expect(found.total).toBe(3);
      expect(found.at).toBeInstanceOf(Date);
      expect(found.reminders.map((date) => date.getTime())).toEqual([6, 7]);
      const deepest = found.lines[0]?.parts?.[0]?.parts?.[0];
      expect(deepest).toBeInstanceOf(Line);
      expect(deepest?.at).toEqual(new Date(4));
      expect(String(deepest?.price)).toBe('4 EUR');
      expect(found.matrix?.[0]?.[0]).toBeInstanceOf(Line);
    });

    it('is the same if it was passed as a plain object', async () => {
      const saved = await orders.save(JSON.parse(JSON.stringify(order())) as Order);
      expect(saved).toEqual(order());
      expect(saved).toBeInstanceOf(Order);
      expect(saved.lines[0]?.price).toBeInstanceOf(Money);
      expect(await orders.getById('1')).toEqual(order());
    });

    it('keeps null, and leaves out undefined', async () => {
      const found = await reread(order({ shippedAt: null }));
      expect(found.shippedAt).toBeNull();
      const text = await stage.client.get(keys.key('order', '1'));
      expect(JSON.parse(String(text))).not.toHaveProperty('comment');
      const updated = await orders.update('1', { shippedAt: undefined });
      expect(updated?.shippedAt).toBeUndefined();
      expect((await orders.getByIdOrFail('1')).shippedAt).toBeUndefined();
    });

    it('follows @Transform', async () => {
      expect((await reread(order({ code: 'abc' }))).code).toBe('ABC');
    });

    it('becomes an instance of the class that its discriminator names', async () => {
      const card = Object.assign(new Card(), { kind: 'card', digits: '1234' });
      const invoice = Object.assign(new Invoice(), { kind: 'invoice', due: new Date(9) });
      const paid = await reread(order({ payment: card }));
      expect(paid.payment).toBeInstanceOf(Card);
      expect(paid.payment).toEqual(card);
      const unpaid = await reread(order({ payment: invoice }));
      expect(unpaid.payment).toBeInstanceOf(Invoice);
      expect(unpaid.payment).toEqual(invoice);
      expect(unpaid.payment?.isPaid()).toBe(false);
    });

    it('keeps the properties that @Exclude and @Expose hide from clients', async () => {
      const given = order({ secret: 's', comment: 'c', margin: 1 });
      const found = await reread(given);
      expect([found.secret, found.comment, found.margin]).toEqual(['s', 'c', 1]);
      const text = await stage.client.get(keys.key('order', '1'));
      expect(JSON.parse(String(text))).toMatchObject({ secret: 's', comment: 'c', margin: 1 });
    });

    it('is readable JSON under the documented key', async () => {
      await orders.save(order());
      const { app, environment } = keys;
      const text = await stage.client.get(`order:${app}:${environment}:1`);
      expect(JSON.parse(String(text))).toEqual(JSON.parse(JSON.stringify(order())));
    });

    it('cannot change the prototype of an object', async () => {
      const hostile =
        '{"id":"1","at":0,"reminders":[],"lines":[],"__proto__":{"isAdmin":true},' +
        '"constructor":"x","toString":"x","hasOwnProperty":"x","total":"x","shout":"loud",' +
        '"anything":{"__proto__":{"isAdmin":true},"constructor":"x"}}';
      await stage.client.set(keys.key('order', '1'), hostile);
      const found = await orders.getByIdOrFail('1');
      expect(found).toBeInstanceOf(Order);
      expect((found as { isAdmin?: boolean }).isAdmin).toBeUndefined();
      expect(({} as { isAdmin?: boolean }).isAdmin).toBeUndefined();
      expect(found.constructor).toBe(Order);
      expect(found.toString).toBe(Object.prototype.toString);
      expect(found.total).toBe(0);
      expect(found.comment).toBe('loud');
      await orders.update('1', JSON.parse('{"__proto__":{"isAdmin":true},"code":"x"}') as object);
      const updated = await orders.getByIdOrFail('1');
      expect((updated as { isAdmin?: boolean }).isAdmin).toBeUndefined();
      expect(JSON.stringify(updated.anything)).toBe(
        '{"__proto__":{"isAdmin":true},"constructor":"x"}',
      );
    });

    it('may be of any size and any characters', async () => {
      const values = ['', 'ä€😀', '\0\n\u2028', 'a\ud800b', 'x'.repeat(1024 * 1024)];
      for (const comment of values) {
        const found = await reread(order({ comment, anything: [comment, { [comment]: comment }] }));
        expect(found.comment === comment).toBe(true);
        expect(JSON.stringify(found) === JSON.stringify(order(found))).toBe(true);
        expect(found.anything).toEqual([comment, { [comment]: comment }]);
      }
    });

    it('is refused if the content of a set or a map would be lost', async () => {
      const collections = new RedisRepository(stage.client, keys, Collection);
      const given = Object.assign(new Collection(), {
        id: '1',
        prices: new Set([money(1), money(2)]),
        byName: new Map([['a', money(3)]]),
      });
      const refusal = await caught(collections.save(given));
      expect(refusal.name).toBe('RedisSerializationException');
      expect(refusal.message).toContain('$.prices is a Set');
      expect(await collections.exists('1')).toBe(false);
    });

    it.each<[string, unknown]>([
      ['nothing', undefined],
      ['null', null],
      ['a text', 'draft 1'],
      ['an object without the id', { text: 'a' }],
      ['an object with another id', { id: '2', text: 'a' }],
    ])('is refused if its toJSON returns %s', async (_, json) => {
      const drafts = new RedisRepository(stage.client, keys, Draft);
      await drafts.save(Object.assign(new Draft(), { id: '1', json: { id: '1', text: 'first' } }));
      const refusals = [
        drafts.save(Object.assign(new Draft(), { id: '1', json })),
        drafts.update('1', (draft) => void Object.assign(draft, { json })),
      ];
      for (const refusal of refusals) {
        expect((await caught(refusal)).name).toBe('RedisSerializationException');
      }
      expect(await drafts.getById('1')).toMatchObject({ text: 'first' });
    });
  });
});
