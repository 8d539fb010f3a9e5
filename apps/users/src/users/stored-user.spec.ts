import { describe, expect, it } from '@jest/globals';
import { RedisSerializationException } from 'nestjs-redis-data';

import { readStoredUser } from './stored-user.js';

const STORED = {
  id: '1',
  firstName: 'Ada',
  lastName: 'Lovelace',
  email: 'ada@example.com',
  createdAt: '2026-01-02T03:04:05.678Z',
  updatedAt: '2026-01-02T03:04:05.678Z',
};

describe('readStoredUser', () => {
  it('brings dates back as dates', () => {
    const user = readStoredUser(STORED, 'user:app:test:1');

    expect(user.createdAt).toEqual(new Date(STORED.createdAt));
    expect(JSON.parse(JSON.stringify(user))).toEqual(STORED);
  });

  it.each([
    ['a text', 'hunter2'],
    ['null', null],
    ['a list', [STORED]],
    ['an object that is something else', { secret: 'hunter2' }],
    ['a date that is none', { ...STORED, createdAt: 'hunter2' }],
    ['half a user', { ...STORED, email: undefined }],
  ])('refuses %s, naming the key and never the value', (_, value) => {
    const read = () => readStoredUser(value, 'user:app:test:1');

    expect(read).toThrow(RedisSerializationException);
    expect(read).toThrow('user:app:test:1');
    expect(read).not.toThrow('hunter2');
  });
});
