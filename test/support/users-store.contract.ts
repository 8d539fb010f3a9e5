/** Promises of every store of users: the cases of the port `UserRepository`. */
import { randomUUID } from 'node:crypto';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import {
  EmailTakenException,
  UnacceptableValueException,
} from '../../apps/users/src/users/user.exceptions.js';
import { User } from '../../apps/users/src/users/user.js';
import type { UserRepository } from '../../apps/users/src/users/user.repository.js';

/** Two instances of one store: two processes of the API, as it were. */
export interface UsersStore {
  readonly here: UserRepository;
  readonly elsewhere: UserRepository;
  close(): Promise<void>;
}

const HOSTILE_IDS = [
  "'; DROP TABLE users; --",
  'user:*',
  '{tag}',
  '__proto__',
  'constructor',
  '%00',
  '../..',
  '?#&=+ %',
  ' leading and trailing ',
  'Größe',
  'идентификатор',
  '標識符',
  '👩‍🚀',
  'x'.repeat(64),
];

export function usersStoreContract(open: () => Promise<UsersStore>): void {
  let store: UsersStore;
  let users: UserRepository;

  beforeAll(async () => {
    store = await open();
    users = store.here;
  });

  afterAll(() => store.close());

  describe('a user', () => {
    it('comes back equal, as a User, dates to the millisecond', async () => {
      const user = aUser({
        createdAt: new Date('2026-02-28T23:59:59.999Z'),
        updatedAt: new Date('2026-03-01T00:00:00.001Z'),
      });

      expect(await users.save(user)).toEqual(user);
      for (const repository of [users, store.elsewhere]) {
        for (const read of [await repository.getById(user.id), await repository.getById(user.id)]) {
          expect(read).toBeInstanceOf(User);
          expect(read).toEqual(user);
        }
      }
    });

    it.each(['1970-01-01T00:00:00.000Z', '2038-01-19T03:14:08.000Z', '2026-10-25T01:30:00.123Z'])(
      'may be from %s, in whatever time zone the server is',
      async (time) => {
        const user = await users.save(aUser({ createdAt: new Date(time) }));

        expect((await users.getById(user.id))?.createdAt.toISOString()).toBe(time);
      },
    );

    it.each([
      ['emoji and combined characters', ' Zoë 👩‍🚀👨‍👩‍👧‍👦 e\u0301 '],
      ['Chinese, Arabic and right-to-left marks', '李 محمد \u202e x'],
      ['quotes, backslashes and lines', `'"\\\r\n\t%_`],
      ['SQL', "x'); DELETE FROM users; --"],
      ['a megabyte', 'x'.repeat(1_000_000)],
      ['a text of nothing', ''],
    ])('keeps %s', async (_, lastName) => {
      const { id } = await users.save(aUser({ lastName }));

      expect((await users.getById(id))?.lastName).toBe(lastName);
    });

    it.each([
      ['the character NUL', 'A\0da'],
      ['half of a surrogate pair', 'A\ud83dda'],
    ])('with %s in a text is kept as it is or refused', async (_, firstName) => {
      const user = aUser({ firstName });

      const outcome = await users.save(user).catch((error: unknown) => error);

      if (outcome instanceof UnacceptableValueException) {
        expect(outcome.problem.status).toBe(400);
        expect(await users.getById(user.id)).toBeNull();
      } else {
        expect(await users.getById(user.id)).toEqual(user);
      }
    });

    it.each(HOSTILE_IDS)('may have the id %j', async (id) => {
      const user = await users.save(aUser({ id }));

      expect(await users.getById(id)).toEqual(user);
      expect(await users.getAll([id])).toEqual(new Map([[id, user]]));
      expect(await users.update(id, () => ({ lastName: 'King' }))).toMatchObject({ id });
      expect(await users.getById(id)).toEqual(like(user, { lastName: 'King' }));
      expect(await users.delete(id)).toBe(true);
      expect(await users.getById(id)).toBeNull();
    });

    it('that is not there is null, whatever is asked of it', async () => {
      for (const id of [randomUUID(), 'nobody', 'nul\0', 'ada%']) {
        expect(await users.getById(id)).toBeNull();
        expect(await users.update(id, () => ({}))).toBeNull();
        expect(await users.delete(id)).toBe(false);
        expect(await users.getAll([id])).toEqual(new Map());
      }
    });

    it('is seen once it is created, by those who looked before', async () => {
      const user = aUser();
      expect(await users.getById(user.id)).toBeNull();
      expect(await store.elsewhere.getById(user.id)).toBeNull();

      await users.save(user);

      expect(await users.getById(user.id)).toEqual(user);
      expect(await store.elsewhere.getById(user.id)).toEqual(user);
    });

    it('is replaced when it is saved again', async () => {
      const user = await users.save(aUser());
      const replaced = like(user, { lastName: 'King', createdAt: new Date(1) });
      expect(await users.getById(user.id)).toEqual(user);

      await users.save(replaced);

      expect(await users.getById(user.id)).toEqual(replaced);
      expect(await store.elsewhere.getById(user.id)).toEqual(replaced);
    });

    it('is deleted once', async () => {
      const { id } = await users.save(aUser());
      await users.getById(id);

      const answers = await Promise.all([users.delete(id), store.elsewhere.delete(id)]);

      expect(answers.sort()).toEqual([false, true]);
      expect(await users.getById(id)).toBeNull();
      expect(await store.elsewhere.getById(id)).toBeNull();
    });
  });

  describe('several users', () => {
    it('come in the order asked for, each once, without the missing', async () => {
      const [a, b] = [await users.save(aUser()), await users.save(aUser())];

      const found = await users.getAll([b.id, randomUUID(), a.id, 'nul\0', b.id]);

      expect([...found]).toEqual([
        [b.id, b],
        [a.id, a],
      ]);
      expect(await users.getAll([])).toEqual(new Map());
    });

    it('come by the hundred', async () => {
      const all = await Promise.all(Array.from({ length: 100 }, () => users.save(aUser())));
      const ids = all.map(({ id }) => id).reverse();

      expect([...(await users.getAll(ids)).keys()]).toEqual(ids);
    });
  });

  describe('a change', () => {
    it('keeps what it does not name', async () => {
      const user = await users.save(aUser());

      const changed = await users.update(user.id, () => ({ lastName: 'King' }));

      expect(changed).toEqual(like(user, { lastName: 'King' }));
      expect(changed).toBeInstanceOf(User);
      expect(await users.getById(user.id)).toEqual(changed);
    });

    it('is given the user as it is, and not as it was read before', async () => {
      const { id } = await users.save(aUser({ lastName: 'a' }));
      await users.getById(id);
      await store.elsewhere.update(id, () => ({ lastName: 'b' }));

      const changed = await users.update(id, ({ lastName }) => ({ lastName: `${lastName}c` }));

      expect(changed?.lastName).toBe('bc');
    });

    it('is not lost when others change the user at the same time, here and elsewhere', async () => {
      const { id } = await users.save(aUser({ lastName: '' }));
      const marks = Array.from({ length: 20 }, (_, index) => String.fromCharCode(97 + index));

      await Promise.all(
        marks.map((mark, index) => {
          const repository = index % 2 === 0 ? users : store.elsewhere;
          return repository.update(id, ({ lastName }) => ({ lastName: lastName + mark }));
        }),
      );

      const names = [await users.getById(id), await store.elsewhere.getById(id)];
      for (const user of names) expect(Array.from(String(user?.lastName)).sort()).toEqual(marks);
    });

    it('is seen everywhere once it is made', async () => {
      const { id } = await users.save(aUser());

      for (let round = 0; round < 20; round++) {
        const lastName = `King ${round}`;
        await Promise.all([users.getById(id), store.elsewhere.getById(id)]);
        await users.update(id, () => ({ lastName }));
        expect((await store.elsewhere.getById(id))?.lastName).toBe(lastName);
        expect((await users.getAll([id])).get(id)?.lastName).toBe(lastName);
      }
    });

    it('does not bring back a user that is deleted meanwhile', async () => {
      for (let round = 0; round < 10; round++) {
        const { id } = await users.save(aUser());
        await Promise.all([
          users.update(id, () => ({ lastName: 'King' })),
          store.elsewhere.delete(id),
        ]);

        expect(await users.getById(id)).toBeNull();
      }
    });

    it('that throws changes nothing', async () => {
      const user = await users.save(aUser());

      const change = users.update(user.id, () => {
        throw new Error('changed my mind');
      });

      await expect(change).rejects.toThrow('changed my mind');
      expect(await users.getById(user.id)).toEqual(user);
    });
  });

  describe('an e-mail', () => {
    it('belongs to one of many who ask for it at the same time', async () => {
      const { email } = aUser();

      const outcomes = await Promise.allSettled(
        Array.from({ length: 20 }, (_, index) =>
          (index % 2 === 0 ? users : store.elsewhere).save(aUser({ email })),
        ),
      );

      const refusals = outcomes.filter(({ status }) => status === 'rejected');
      expect(refusals).toHaveLength(19);
      for (const refusal of refusals) {
        expect(refusal).toMatchObject({ reason: expect.any(EmailTakenException) });
      }
    });

    it('of another user is refused to a change and to a replacement, which then change nothing', async () => {
      const { email } = await users.save(aUser());
      const other = await users.save(aUser());
      const replacement = like(other, { email, lastName: 'King' });

      const change = users.update(other.id, () => ({ email, lastName: 'King' }));
      await expect(change).rejects.toBeInstanceOf(EmailTakenException);
      await expect(users.save(replacement)).rejects.toBeInstanceOf(EmailTakenException);
      expect(await users.getById(other.id)).toEqual(other);
    });

    it('stays with its user through changes, and is free after its deletion or another e-mail', async () => {
      const [first, second] = [await users.save(aUser()), await users.save(aUser())];

      await users.update(first.id, ({ email }) => ({ email, lastName: 'King' }));
      await users.save(first);
      await users.update(first.id, () => ({ email: aUser().email }));
      await users.delete(second.id);

      for (const { email } of [first, second]) {
        expect(await users.save(aUser({ email }))).toMatchObject({ email });
      }
    });
  });

  describe('pages', () => {
    async function follow(limit: number, from = users): Promise<User[]> {
      const found: User[] = [];
      let cursor: string | null | undefined;
      do {
        const page = await from.page({ limit, ...(cursor ? { cursor } : {}) });
        expect(page.users.length).toBeLessThanOrEqual(limit);
        found.push(...page.users);
        ({ cursor } = page);
      } while (cursor !== null);
      return found;
    }

    const idsOf = (found: readonly User[]): string[] =>
      [...new Set(found.map(({ id }) => id))].sort();

    it.each([1, 7, 100])('show every user to those who follow the cursors by %i', async (limit) => {
      const createdAt = new Date();
      // Some have been created at the same time.
      const made = await Promise.all(
        Array.from({ length: 15 }, (_, index) =>
          users.save(aUser({ createdAt: new Date(createdAt.getTime() + (index % 3)) })),
        ),
      );

      const found = await follow(limit);

      expect(idsOf(found)).toEqual(expect.arrayContaining(idsOf(made)));
      for (const user of made) expect(found).toContainEqual(user);
      expect(found).toHaveLength(idsOf(found).length);
      const times = found.map(({ createdAt }) => createdAt.getTime());
      expect(times).toEqual([...times].sort((a, b) => a - b));
    });

    it('show what has been created, changed and deleted since they were read', async () => {
      const [changed, deleted] = [await users.save(aUser()), await users.save(aUser())];
      await follow(100);
      await follow(100, store.elsewhere);

      await users.update(changed.id, () => ({ lastName: 'King' }));
      await users.delete(deleted.id);
      const created = await users.save(aUser());

      for (const repository of [users, store.elsewhere]) {
        const found = await follow(100, repository);
        expect(found).toContainEqual(like(changed, { lastName: 'King' }));
        expect(found).toContainEqual(created);
        expect(idsOf(found)).not.toContain(deleted.id);
      }
    });

    it.each([
      '',
      'next',
      '-1',
      '%00',
      'x'.repeat(10_000),
      ...[[], [0], ['0', 'a'], [0, 1], [1e300, 'a'], [-1e15, 'a'], [0, 'a\0'], [0, 'a', 1], {}].map(
        (end) => Buffer.from(JSON.stringify(end)).toString('base64url'),
      ),
      `${Buffer.from('[0,"a"]').toString('base64url')}=`,
      Buffer.from('[0, "a"]').toString('base64url'),
    ])('refuse the cursor %j, which none of them has given', async (cursor) => {
      const failure = users.page({ limit: 10, cursor });

      await expect(failure).rejects.toBeInstanceOf(UnacceptableValueException);
      await expect(failure).rejects.toMatchObject({
        problem: { status: 400, errors: [{ property: 'cursor' }] },
      });
    });
  });
}

/** The user with other details. */
function like(user: User, details: Partial<User>): User {
  return Object.assign(new User(), user, details);
}

/** A user that no other is like. */
function aUser(details: Partial<User> = {}): User {
  const now = new Date();
  return Object.assign(new User(), {
    id: randomUUID(),
    firstName: 'Ada',
    lastName: 'Lovelace',
    email: `${randomUUID()}@example.com`,
    createdAt: now,
    updatedAt: now,
    ...details,
  });
}
