import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import type { Connection } from '../../connection/connection.js';
import { LocalChanges } from '../../connection/local-changes.js';
import type { EntityWriter } from './entity-writer.js';
import { TellingWriter } from './telling-writer.js';

const KEY = 'user:a:e:1';
const VERSION = 'version:a:e:{user:a:e:1}';

const writes: readonly [string, (writer: EntityWriter) => Promise<unknown> | undefined][] = [
  ['write', (writer) => writer.write({ id: '1', key: KEY, text: '{}', ttl: 1_000 })],
  ['remove', (writer) => writer.remove('1', KEY)],
  ['expire', (writer) => writer.expire?.(KEY, 1_000)],
];

describe('TellingWriter', () => {
  it.each(writes)('tells of the version before and after a change: %s', async (_, write) => {
    const { writer, log, answer } = arrange();
    const written = write(writer);
    await setImmediate();
    expect(log).toEqual([VERSION, 'sent']);
    answer('an outcome');
    expect(await written).toBe('an outcome');
    expect(log).toEqual([VERSION, 'sent', VERSION]);
  });

  it.each(writes)(
    'tells of a change that failed, which may have been made: %s',
    async (_, write) => {
      const { writer, log, answer } = arrange();
      const written = write(writer);
      answer(Promise.reject(new Error('no answer')));
      await expect(written).rejects.toThrow('no answer');
      expect(log).toEqual([VERSION, 'sent', VERSION]);
    },
  );

  it.each(writes.slice(0, 2))('adds no promise without a listener: %s', (_, write) => {
    const { writer, answered, leave } = arrange();
    leave();
    expect(write(writer)).toBe(answered);
  });

  it('cannot expire what its writer cannot', () => {
    const { inner, connection } = arrange();
    const { write, remove } = inner;
    expect(new TellingWriter(connection, { write, remove }).expire).toBeUndefined();
  });
});

/** A writer that waits to be told what it answers, and the log of what is heard and sent. */
function arrange() {
  const changes = new LocalChanges();
  const connection = { part: () => changes } as unknown as Connection;
  const log: string[] = [];
  let answer: (outcome: unknown) => void = () => undefined;
  const answered = new Promise<never>((resolve) => (answer = resolve as typeof answer));
  const send = () => {
    log.push('sent');
    return answered;
  };
  const inner = { write: send, remove: send, expire: send };
  const leave = changes.listen((keys) => log.push(...keys));
  return {
    writer: new TellingWriter(connection, inner),
    inner,
    connection,
    log,
    answer,
    answered,
    leave,
  };
}
