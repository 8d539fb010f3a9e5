import { describe, expect, it } from '@jest/globals';
import { SlotOwners } from './slot-owners.js';

const slotsOf = (...owners: (string | undefined)[]) => ({
  slots: owners.map((owner) => (owner === undefined ? owner : [owner, 'a replica'])) as string[][],
});

describe('SlotOwners', () => {
  it('tells which slots have another owner than before', () => {
    const owners = new SlotOwners();
    expect([...owners.learn(slotsOf('a:1', 'a:1', 'b:1'))]).toEqual([]);
    expect([...owners.learn(slotsOf('a:1', 'c:1', 'b:1'))]).toEqual([1]);
    expect([...owners.learn(slotsOf('a:1', 'c:1', undefined))]).toEqual([2]);
    expect([...owners.learn(slotsOf('a:1', 'c:1', undefined))]).toEqual([]);
  });

  it('names each owner once', () => {
    const owners = new SlotOwners();
    expect([...owners.addresses]).toEqual([]);
    owners.learn(slotsOf('a:1', 'b:1', 'a:1', undefined));
    expect([...owners.addresses]).toEqual(['a:1', 'b:1']);
  });
});
