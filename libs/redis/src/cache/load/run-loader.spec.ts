import { describe, expect, it, jest } from '@jest/globals';
import { RedisConfigurationException } from '../../errors/redis-configuration.exception.js';
import { KeyBuilder } from '../../keys/key-builder.js';
import { Dependencies, type Dependency } from '../entry/dependencies.js';
import type { Versions } from '../entry/envelope.js';
import { LoadAbort } from './load-abort.js';
import { LoaderCall } from './run-loader.js';

function runWith(captured: [string, string][] = []) {
  const versions = new Map<string, string | null>(captured);
  let content = 'one';
  const source = {
    capture: jest.fn((named: readonly Dependency[]): Promise<Versions | undefined> => {
      return Promise.resolve(new Map(named.map(({ label }) => [label, `v ${label}`])));
    }),
    readContent: jest.fn(async () => ({ text: content, version: `of ${content}` })),
  };
  const dependencies = new Dependencies(new KeyBuilder({ app: 'a', environment: 'e' }));
  const run = new LoaderCall(new LoadAbort(), source, dependencies, versions);
  return { run, source, versions, change: (to: string) => (content = to) };
}

describe('What a loader says', () => {
  it('is what else the value depends on: captured at once, and only what is new', async () => {
    const { run, source, versions } = runWith([['tknown', 'v']]);
    await run.dependOn({ tags: ['known', 'new'], keys: ['key'] });
    expect(source.capture.mock.calls[0]?.[0].map(({ label }) => label)).toEqual(['tnew', 'k"key"']);
    expect([...versions]).toEqual([
      ['tknown', 'v'],
      ['tnew', 'v tnew'],
      ['k"key"', 'v k"key"'],
    ]);
    await run.dependOn({ tags: ['new'] });
    await run.dependOn({});
    expect(source.capture).toHaveBeenCalledTimes(1);
    expect([run.isCaptured, run.late]).toEqual([true, []]);
  });

  it('keeps the value out of the cache where it cannot be captured', async () => {
    const { run, source } = runWith();
    source.capture.mockResolvedValueOnce(undefined);
    await run.dependOn({ tags: ['t'] });
    expect(run.isCaptured).toBe(false);
  });

  it('is late where it is named after reading, once, unless it is known', () => {
    const { run } = runWith([['tknown', 'v']]);
    run.addTags('known', 'late', 'late');
    run.addTags('late', 5);
    expect(run.late.map(({ label }) => label)).toEqual(['tlate', 't5']);
  });

  it('is what it has read, which has to be the same each time', async () => {
    const { run, versions, change } = runWith();
    expect([await run.read('key'), await run.read('key')]).toEqual(['one', 'one']);
    expect([...versions]).toEqual([['k"key"', 'of one']]);
    expect(run.isCaptured).toBe(true);
    change('two');
    expect(await run.read('key')).toBe('two');
    expect(run.isCaptured).toBe(false);
    expect([...versions]).toEqual([['k"key"', 'of one']]);
  });

  it('is how long it is fresh, or that it is not to be cached', () => {
    const { run } = runWith();
    expect([run.ttlMs, run.isSkipped]).toEqual([undefined, false]);
    run.setTtl('5s');
    run.skipCache();
    expect([run.ttlMs, run.isSkipped]).toEqual([5_000, true]);
    expect(() => {
      run.setTtl(5 as never);
    }).toThrow(RedisConfigurationException);
  });
});
