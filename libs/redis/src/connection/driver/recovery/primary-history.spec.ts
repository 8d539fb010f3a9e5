import { describe, expect, it } from '@jest/globals';
import { PrimaryHistory } from './primary-history.js';

const a = { host: 'a', port: 1 };
const b = { host: 'b', port: 1 };
const c = { host: 'c', port: 1 };

describe('PrimaryHistory', () => {
  it('knows no successor of what it has never heard of', () => {
    const history = new PrimaryHistory();
    history.learn(a, 4);
    expect(history.successorOf(b)).toBeUndefined();
  });

  it('believes the sentinel that knows of more switches, and not the one that answers last', () => {
    const history = new PrimaryHistory();
    history.learn(b, 5);
    history.learn(a, 4);
    expect(history.successorOf(a)).toBe(b);
    expect(history.successorOf(b)).toBeUndefined();
  });

  it('believes an announcement, and not a sentinel that has not heard of it', () => {
    const history = new PrimaryHistory();
    history.learn(a, 4);
    history.switch(a, b);
    history.learn(a, 4);
    expect(history.successorOf(a)).toBe(b);
    expect(history.successorOf(b)).toBeUndefined();
  });

  it('follows a primary that comes back', () => {
    const history = new PrimaryHistory();
    history.switch(a, b);
    history.switch(b, a);
    expect(history.successorOf(b)).toBe(a);
    expect(history.successorOf(a)).toBeUndefined();
  });

  it('follows an announcement whose predecessor it has never heard of', () => {
    const history = new PrimaryHistory();
    history.learn(a, 4);
    history.switch(c, b);
    expect(history.successorOf(a)).toBe(b);
    expect(history.successorOf(c)).toBe(b);
  });

  it('forgets what cannot be reached', () => {
    const history = new PrimaryHistory();
    history.learn(a, 4);
    history.switch(a, b);
    history.forget(b);
    expect(history.successorOf(a)).toBeUndefined();
  });
});
