import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { ReadSink } from '../../batch/read-command.js';
import { KeyBuilder } from '../../keys/key-builder.js';
import { Dependencies, type Dependency, DependencyList } from '../entry/dependencies.js';
import { encodeEntry, encodeVersions } from '../entry/envelope.js';
import { Budget } from '../outage/budget.js';
import type { OutageGuard, Undertaking } from '../outage/outage-guard.js';
import { Outbox } from '../outage/outbox.js';
import type { CacheStore } from './cache-store.js';
import { EntryReader } from './entry-reader.js';

const FILL_ID = 'x'.repeat(22);
const dependencies = new Dependencies(new KeyBuilder({ app: 'a', environment: 'e' }));
const [t, u] = dependencies.all({ tags: ['t', 'u'] }) as [Dependency, Dependency];
const keysOf = (entry: string) => ({ entry, lease: `{${entry}}:lease` });

function entryOf(versions: Record<string, string>, freshUntil = 1_000): string {
  const facts = {
    kind: 'v',
    serializer: 'json',
    fillId: FILL_ID,
    freshUntil,
    liveUntil: 1_000,
    loadedAt: 50,
  } as const;
  const dependencies = encodeVersions(new Map(Object.entries(versions)));
  return encodeEntry(facts, dependencies, Buffer.from('1')).toString();
}

describe('EntryReader', () => {
  let stored: Map<string, string>;
  let corrupt: string[];
  let outbox: Outbox;
  let reader: EntryReader;
  const store = {
    clock: { now: () => 100 },
    attempt: (_: Undertaking, work: (one: unknown) => unknown) => work(store),
    read: jest.fn((sink: ReadSink, key: string, { all }: DependencyList) => {
      const at = (name: string) => stored.get(name) ?? null;
      const entry = at(key);
      sink.succeed(
        entry === null ? null : Buffer.from(entry),
        all.map((one) => at(one.key)),
      );
    }),
    versions: {
      now: jest.fn((on: readonly Dependency[]) =>
        Promise.resolve(on.map((one) => stored.get(one.key) ?? null)),
      ),
    },
  };
  beforeEach(() => {
    jest.clearAllMocks();
    corrupt = [];
    stored = new Map([
      [t.key, 'v1'],
      [u.key, 'v2'],
    ]);
    outbox = new Outbox();
    const guard = {
      admit: () => undefined,
    } as unknown as OutageGuard;
    reader = new EntryReader(store as unknown as CacheStore, guard, dependencies, outbox, (key) => {
      corrupt.push(key);
    });
  });

  const look = (named: readonly Dependency[] = [], key = 'x') =>
    reader.look(keysOf(key), new DependencyList(named), new Budget(250));

  it('finds valid what has all that is named and nothing that has changed, in any order', async () => {
    stored.set('x', entryOf({ tt: 'v1', tu: 'v2' }));
    for (const named of [[t, u], [u, t], [t], [u], []]) {
      expect(await look(named)).toMatchObject({ state: 'valid', expiredForMs: 0 });
    }
    stored.set(u.key, 'v3');
    for (const named of [[t, u], [u, t], [t], [u], []]) {
      expect(await look(named)).toMatchObject({ state: 'missing', judged: FILL_ID });
    }
    stored.set('x', entryOf({ tt: 'v1' }));
    expect(await look([t, u])).toMatchObject({ state: 'missing', judged: FILL_ID });
    expect(await look([t])).toMatchObject({ state: 'valid' });
  });

  it('finds missing what depends on something that is not there any more', async () => {
    stored.set('x', entryOf({ tt: 'v1', tu: 'v2' }));
    stored.delete(t.key);
    for (const named of [[t, u], [u], []])
      expect(await look(named)).toMatchObject({ state: 'missing' });
    expect(await look([], 'nothing')).toMatchObject({ state: 'missing', judged: '' });
    stored.set('x', entryOf({ tt: '' }));
    expect(await look([t])).toMatchObject({ state: 'missing' });
    expect(await look([])).toMatchObject({ state: 'missing' });
  });

  it("says for how long it has been expired, on the server's clock", async () => {
    for (const [freshUntil, expiredForMs] of [
      [1_000, 0],
      [101, 0],
      [100, 0],
      [70, 30],
    ] as const) {
      stored.set('x', entryOf({}, freshUntil));
      expect(await look()).toMatchObject({ state: 'valid', expiredForMs });
    }
  });

  it('takes a second round trip for what its reader does not name, once', async () => {
    stored.set('x', entryOf({ tt: 'v1', tu: 'v2' }));
    for (let i = 0; i < 3; i++) expect(await look([t])).toMatchObject({ state: 'valid' });
    expect(store.versions.now).toHaveBeenCalledTimes(1);
    expect(store.read.mock.calls.map(([, , { all }]) => all.length)).toEqual([1, 2, 2]);
    stored.set('x', entryOf({ tt: 'v1' })); // it does not depend on the other any more
    for (let i = 0; i < 3; i++) expect(await look([t])).toMatchObject({ state: 'valid' });
    expect(store.read.mock.calls.map(([, , { all }]) => all.length)).toEqual([1, 2, 2, 2, 1, 1]);
  });

  it('remembers that of some entries, not of all that there ever were', async () => {
    const text = entryOf({ tt: 'v1' });
    const names = Array.from({ length: 10_000 }, (_, i) => `key ${i}`);
    for (const name of ['first', ...names]) {
      stored.set(name, text);
      await look([], name);
    }
    store.versions.now.mockClear();
    await look([], 'key 9999');
    expect(store.versions.now).not.toHaveBeenCalled();
    await look([], 'first');
    expect(store.versions.now).toHaveBeenCalledTimes(1);
  });

  it('announces what is no entry', async () => {
    stored.set('x', 'foreign');
    expect(await look()).toMatchObject({ state: 'missing', judged: '' });
    stored.set('y', entryOf({ xforeign: 'v1' }));
    expect(await look([], 'y')).toMatchObject({ state: 'missing', judged: FILL_ID });
    expect(corrupt).toEqual(['x', 'y']);
  });

  it('finds missing what this process has deleted, though Redis does not know it yet', async () => {
    stored.set('x', entryOf({ tt: 'v1' }));
    stored.set('y', entryOf({}));
    outbox.add(t.key, () => Promise.reject(new Error('away')));
    expect(await look([t])).toMatchObject({ state: 'missing' });
    expect(await look()).toMatchObject({ state: 'missing' });
    expect(await look([], 'y')).toMatchObject({ state: 'valid' });
    outbox.add('y', () => Promise.reject(new Error('away')));
    expect(await look([], 'y')).toMatchObject({ state: 'missing' });
    await outbox.close();
  });

  it('does so too when Redis is told between its answer and the verdict', async () => {
    stored.set('x', entryOf({ tt: 'v1' }));
    outbox.add(t.key, () => Promise.resolve());
    let answer!: () => void;
    store.read.mockImplementationOnce((sink) => {
      answer = () => {
        sink.succeed(Buffer.from(entryOf({ tt: 'v1' })), ['v1']);
      };
    });
    const looking = look([t]);
    expect(await outbox.close()).toBe(0); // delivered
    answer();
    expect(await looking).toMatchObject({ state: 'missing' });
  });
});
