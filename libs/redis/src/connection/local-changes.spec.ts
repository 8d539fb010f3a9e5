import { describe, expect, it } from '@jest/globals';
import { LocalChanges } from './local-changes.js';

describe('LocalChanges', () => {
  it('tells of a change before it is sent and after it is answered', async () => {
    const changes = new LocalChanges();
    const told: string[] = [];
    changes.listen((keys) => told.push(`told ${keys.join()}`));
    const result = await changes.around(['a', 'b'], () => {
      told.push('sent');
      return Promise.resolve(5);
    });
    expect([result, ...told]).toEqual([5, 'told a,b', 'sent', 'told a,b']);
  });

  it('tells of a change that failed, because it may have been made', async () => {
    const changes = new LocalChanges();
    const told: string[] = [];
    changes.listen((keys) => told.push(keys.join()));
    const change = changes.around(['a'], () => Promise.reject(new Error('no answer')));
    await expect(change).rejects.toThrow('no answer');
    expect(told).toEqual(['a', 'a']);
  });

  it('tells nothing to a listener that has left', () => {
    const changes = new LocalChanges();
    const told: string[] = [];
    const leave = changes.listen((keys) => told.push(keys.join()));
    expect(changes.isHeard).toBe(true);
    leave();
    changes.tell(['a']);
    expect([changes.isHeard, told]).toEqual([false, []]);
  });
});
