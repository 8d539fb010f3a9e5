import { describe, expect, it } from '@jest/globals';
import type { RedisModuleOptions } from '../../src/connection/options/options.js';
import { generateTlsMaterial } from '../../src/testing/tls-material.js';
import { caught } from './support/caught.js';
import { openConnection } from './support/open-connection.js';

const NOWHERE = { host: '127.0.0.1', port: 1 } as const;
const good = generateTlsMaterial();

describe('refuses TLS options that cannot work, before it opens a connection', () => {
  it.each<[string, RedisModuleOptions['tls'], RegExp]>([
    ['authorities that are no PEM', { ca: 'nonsense' }, /tls\.ca=a text without a certificate/],
    ['a broken authority', { ca: broken(good.ca) }, /tls\.ca=a broken certificate/],
    [
      'an expired authority',
      { ca: generateTlsMaterial({ authorityValidTo: new Date(Date.now() - 60_000) }).ca },
      /tls\.ca=expired on \d{4}-/,
    ],
    ['a certificate that is no PEM', { cert: 'nonsense', key: good.key }, /tls\.cert=ERR_OSSL_/],
    ['a key that is no PEM', { cert: good.cert, key: 'nonsense' }, /tls\.key=ERR_OSSL_/],
    [
      'the key of another certificate',
      { cert: good.cert, key: generateTlsMaterial().key },
      /tls\.key=the key of another certificate/,
    ],
    ['options that Node refuses', { ciphers: 'nonsense' }, /tls=ERR_/],
  ])('%s', async (_, tls, says) => {
    const error = await caught(openConnection({ ...NOWHERE, tls, startup: 'background' }));
    expect(error.name).toBe('RedisConfigurationException');
    expect(error.message).toMatch(says);
  });
});

function broken(pem: string): string {
  return pem.replace(/(?<=CERTIFICATE-----\n).{20}/, 'A'.repeat(20));
}
