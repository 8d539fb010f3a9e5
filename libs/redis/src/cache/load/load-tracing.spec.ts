import { describe, expect, it, jest } from '@jest/globals';
import { Tracing, type SpanFacts, type Tracer } from '../../telemetry/tracing.js';
import { LoadTracing, NotCached } from './load-tracing.js';

/** A tracer that records each span. */
function recordingTracer() {
  const spans: { name: string; facts: SpanFacts; failed: boolean }[] = [];
  const tracer: Tracer = {
    run: async (name, facts, work) => {
      const span = { name, facts, failed: false };
      spans.push(span);
      try {
        return await work((more) => (span.facts = { ...span.facts, ...more }));
      } catch (error) {
        span.failed = true;
        throw error;
      }
    },
    runAside: (work) => work(),
  };
  return { spans, tracer };
}

function tracingWith(tracer: Tracer) {
  const tracing = new Tracing();
  const end = tracing.traceWith(tracer);
  return { tracing: new LoadTracing('reports', tracing), end };
}

const facts = (outcome: string) => ({
  'redis.cache.name': 'reports',
  'redis.cache.outcome': outcome,
});

describe('LoadTracing', () => {
  it('does not take for a failure what a loader keeps out of the cache, and still throws it', async () => {
    const { spans, tracer } = recordingTracer();
    const { tracing } = tracingWith(tracer);
    const notCached = new NotCached();
    await expect(tracing.load(() => Promise.reject(notCached))).rejects.toBe(notCached);
    expect(spans).toEqual([{ name: 'redis.cache.load', facts: facts('skipped'), failed: false }]);
  });

  it('says nothing of an outcome that no caller waited for', async () => {
    const { spans, tracer } = recordingTracer();
    const { tracing } = tracingWith(tracer);
    expect(await tracing.load(() => Promise.resolve({ value: 1, outcome: undefined }))).toBe(1);
    expect(spans[0]?.facts).toEqual({ 'redis.cache.name': 'reports' });
  });

  it('gives each caller the value, whatever it is', async () => {
    const { tracing } = tracingWith(recordingTracer().tracer);
    for (const value of [undefined, null, 0, new NotCached()]) {
      expect(await tracing.load(() => Promise.resolve({ value, outcome: 'filled' }))).toBe(value);
    }
  });

  it('ends with the tracer that it was given, and not with one before it', async () => {
    const first = recordingTracer();
    const second = recordingTracer();
    const tracing = new Tracing();
    const endFirst = tracing.traceWith(first.tracer);
    const endSecond = tracing.traceWith(second.tracer);
    endFirst();
    await tracing.run('a', {}, () => Promise.resolve());
    endSecond();
    await tracing.run('b', {}, () => Promise.resolve());
    expect([first.spans, second.spans.map(({ name }) => name)]).toEqual([[], ['a']]);
  });

  it('just runs the work without a tracer', async () => {
    const tracing = new LoadTracing('reports');
    const aside = jest.fn();
    tracing.aside(aside);
    expect(aside).toHaveBeenCalledTimes(1);
    expect(await tracing.leaseWait(() => Promise.resolve('found'))).toBe('found');
    const error = new Error('loader');
    await expect(tracing.load(() => Promise.reject(error))).rejects.toBe(error);
  });
});
