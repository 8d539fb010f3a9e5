import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { resolveCacheOptions } from '../cache-policy.js';
import { decodeEntry } from './envelope.js';
import { liveMsOf, makeEntry } from './make-entry.js';

const { policy: defaults } = resolveCacheOptions({});

const common = {
  body: Buffer.from('1'),
  serializer: 'json',
  fillId: 'x'.repeat(22),
  versions: new Map(),
  now: 1_000_000,
} as const;

describe('An entry that is made', () => {
  it('lives as long as it is fresh, may be stale and may be the last known', () => {
    const policy = { ...defaults, jitter: 0, staleForMs: 20, failSafeMs: 300 };
    const made = makeEntry({ ...common, kind: 'v', ttlMs: 1_000, policy });
    expect(made.liveMs).toBe(1_320);
    expect(liveMsOf(1_000, policy)).toBe(1_320);
    expect(decodeEntry(made.bytes)).toMatchObject({ freshUntil: 1_001_000, loadedAt: 1_000_000 });
  });

  it('ends when Redis expires it if it is not served after that', () => {
    const policy = { ...defaults, jitter: 0 };
    const made = makeEntry({ ...common, kind: 'v', ttlMs: 1_000, policy });
    expect([made.liveMs, decodeEntry(made.bytes)?.freshUntil]).toEqual([1_000, 0]);
  });

  it('says never longer than it is fresh that there is no value', () => {
    const policy = { ...defaults, jitter: 0, staleForMs: 20, failSafeMs: 300 };
    for (const kind of ['n', 'u'] as const) {
      const made = makeEntry({ ...common, kind, body: Buffer.alloc(0), ttlMs: 1_000, policy });
      expect([made.liveMs, decodeEntry(made.bytes)?.freshUntil]).toEqual([1_000, 0]);
    }
  });

  it('ends earlier by jitter at most, and lives for a millisecond at least', () => {
    const jitter = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(jitter, fc.integer({ min: 1, max: 1_000_000 }), (fraction, ttlMs) => {
        const policy = { ...defaults, jitter: fraction, staleForMs: 50 };
        const { bytes, liveMs } = makeEntry({ ...common, kind: 'v', ttlMs, policy });
        const freshMs = (decodeEntry(bytes)?.freshUntil ?? 0) - common.now;
        expect(freshMs).toBeLessThanOrEqual(ttlMs);
        expect(freshMs).toBeGreaterThanOrEqual(Math.floor(ttlMs * (1 - fraction)));
        expect(liveMs).toBeLessThanOrEqual(ttlMs + 50);
        expect(liveMs).toBeGreaterThanOrEqual(1);
      }),
    );
  });
});
