import { beforeEach, describe, expect, it } from '@jest/globals';
import { Sieve, type Sieved } from './sieve.js';

class Thing implements Sieved<Thing> {
  wasRead = false;
  newer: Thing | undefined = undefined;
  older: Thing | undefined = undefined;

  constructor(
    readonly name: string,
    readonly bytes = 1,
  ) {}
}

describe('Sieve', () => {
  let dropped: string[];
  let sieve: Sieve<Thing>;
  const add = (...names: string[]) => {
    for (const name of names) sieve.add(new Thing(name));
  };
  const read = (...names: string[]) => {
    for (const name of names) (sieve.get(name) as Thing).wasRead = true;
  };
  const evict = (times: number) => {
    dropped = [];
    for (let i = 0; i < times; i++) sieve.evict();
    return dropped.join('');
  };

  beforeEach(() => {
    dropped = [];
    sieve = new Sieve(({ name }) => {
      dropped.push(name);
    });
  });

  it('drops the oldest first', () => {
    add('a', 'b', 'c');
    expect([evict(2), sieve.size, sieve.get('c')?.name]).toEqual(['ab', 1, 'c']);
  });

  it('drops what was read later than what was not, whatever its age', () => {
    add('a', 'b', 'c', 'd');
    read('a', 'c');
    expect(evict(4)).toBe('bdac');
  });

  it('goes on where it has stopped: what came meanwhile is met later', () => {
    add('a', 'b', 'c');
    read('a');
    expect(evict(1)).toBe('b');
    add('d');
    expect(evict(3)).toBe('cda');
  });

  it('goes on with the next one where the one that it would meet has left', () => {
    add('a', 'b', 'c', 'd');
    read('a');
    evict(1);
    sieve.delete('c');
    expect(evict(3)).toBe('da');
    expect(sieve.evict()).toBe(false);
  });

  it('takes one that was read where all were, after a short way', () => {
    const names = Array.from({ length: 1_000 }, (_, i) => `${i}`);
    add(...names);
    read(...names);
    expect(evict(1)).toBe('128');
    expect([...sieve.values()].filter(({ wasRead }) => wasRead)).toHaveLength(1_000 - 129);
  });

  it('keeps one thing of each name, and says which it does not keep any more', () => {
    sieve.add(new Thing('a', 5));
    sieve.add(new Thing('a', 3));
    sieve.add(new Thing('b', 4));
    expect([dropped, sieve.size, sieve.bytes]).toEqual([['a'], 2, 7]);
    sieve.delete('b');
    sieve.delete('b');
    sieve.clear();
    expect([dropped, sieve.size, sieve.bytes]).toEqual([['a', 'b', 'a'], 0, 0]);
    add('c');
    expect(evict(2)).toBe('c');
  });
});
