import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseTopology } from './judge-topology.js';

const NODES = [
  'a1 10.0.0.1:7000@17000 myself,master - 0 0 1 connected 0-5460',
  'a2 10.0.0.2:7000@17000,redis-2.internal master - 0 1 2 connected 5461-10922',
  'a3 10.0.0.3:7000@17000 master,fail - 1 1 3 disconnected 10923-16383',
  'a4 10.0.0.4:7000@17000 slave,fail a1 1 1 1 disconnected',
  'a5 10.0.0.5:7000@17000 slave,fail? a2 1 1 1 connected',
  'a6 :0@0 slave,noaddr a2 1 1 1 disconnected',
];

describe('what a node knows of its cluster', () => {
  it.each(['\n', '\r\n'])('is read from lines that end in %j', (end) => {
    expect(parseTopology(NODES.map((line) => `${line}${end}`).join(''))).toEqual({
      failedNodes: 2,
      primaries: new Set(['10.0.0.1:7000', '10.0.0.2:7000', 'redis-2.internal:7000']),
    });
  });

  it('is nothing if it may not be told, or is something else', () => {
    expect(parseTopology(new Error('NOPERM'))).toBeUndefined();
    expect(parseTopology('')).toBeUndefined();
    expect(parseTopology('OK')).toBeUndefined();
  });

  it('is read from any text at all', () => {
    const line = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom(...NODES));
    fc.assert(
      fc.property(fc.array(line), (lines) => {
        const { failedNodes = 0 } = parseTopology(lines.join('\n')) ?? {};
        expect(failedNodes).toBeGreaterThanOrEqual(0);
      }),
    );
  });
});
