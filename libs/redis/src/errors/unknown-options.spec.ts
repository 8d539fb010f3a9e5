import { describe, expect, it } from '@jest/globals';
import { refuseUnknownOptions, unknownOptions } from './unknown-options.js';

const KNOWN = { timeout: true, loadTimeout: true, ttl: true } as const;

describe('unknownOptions', () => {
  it.each([
    ['timout', 'timeout'],
    ['loadtimeout', 'loadTimeout'],
    ['LoadTimeOut', 'loadTimeout'],
    ['loadTimeoutMs', 'loadTimeout'],
    ['ttll', 'ttl'],
  ])('names the option that %s was meant to be: %s', (name, meant) => {
    expect(unknownOptions({ [name]: 1 }, KNOWN, 'cache.')).toEqual([
      {
        setting: `cache.${name}`,
        value: 'unknown option',
        accepted: `did you mean ${meant}? one of timeout, loadTimeout, ttl`,
      },
    ]);
  });

  it('names all options if no name is similar', () => {
    const [problem] = unknownOptions({ retries: 1 }, KNOWN);
    expect(problem?.accepted).toBe('one of timeout, loadTimeout, ttl');
  });

  it('never prints the value, which may be a secret under a misspelt name', () => {
    const refuse = () => {
      refuseUnknownOptions({ pasword: 'hunter2' }, { password: true });
    };
    expect(refuse).toThrow(/pasword=unknown option: did you mean password\?/);
    expect(refuse).not.toThrow(/hunter2/);
  });

  it('treats undefined as absent, and an inherited name as no option', () => {
    expect(unknownOptions({ retries: undefined, ttl: 1 }, KNOWN)).toEqual([]);
    expect(unknownOptions({ toString: 1 }, KNOWN)).toHaveLength(1);
  });
});
