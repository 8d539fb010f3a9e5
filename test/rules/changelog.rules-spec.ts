/** The changelog names each thing once: a merge of two wordings of an entry easily keeps both. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';

const BEGINNING = 5;

describe('the changelog', () => {
  it('has no two entries that begin with the same words', () => {
    const entries = readFileSync('CHANGELOG.md', 'utf8').match(/^- .*$/gm) ?? [];
    const beginnings = entries.map((entry) =>
      entry
        .split(' ')
        .slice(1, BEGINNING + 1)
        .join(' '),
    );

    expect(entries.length).toBeGreaterThan(20);
    expect(beginnings.filter((one, at) => beginnings.indexOf(one) !== at)).toEqual([]);
  });
});
