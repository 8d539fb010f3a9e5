import { describe, expect, it } from '@jest/globals';

import { chooseRequestId } from './request-id.js';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

describe('chooseRequestId', () => {
  it.each(['abc-1', '4bf92f35:77.b3_4', 'x'.repeat(128)])('keeps the id %s', (id) => {
    expect(chooseRequestId({ headers: { 'x-request-id': id } })).toBe(id);
  });

  it.each(['', 'a b', 'x'.repeat(129), '{"level":60}', 'naïve', '../..'])(
    'replaces the id %j, which could mislead a reader of the log',
    (id) => {
      expect(chooseRequestId({ headers: { 'x-request-id': id } })).toMatch(UUID);
    },
  );

  it('makes a new id for each request that brings none', () => {
    const ids = [chooseRequestId({ headers: {} }), chooseRequestId({ headers: {} })];

    expect(ids).toEqual([expect.stringMatching(UUID), expect.stringMatching(UUID)]);
    expect(ids[0]).not.toBe(ids[1]);
  });
});
