import { createPrivateKey, X509Certificate } from 'node:crypto';
import { createSecureContext, type ConnectionOptions as TlsOptions } from 'node:tls';
import type { ConfigurationProblem } from '../../errors/redis-configuration.exception.js';

const CERTIFICATE =
  /-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----[^]*?-----END (?:X509 |TRUSTED )?CERTIFICATE-----/g;

/**
 * What of TLS options cannot work with any server: a text that is no PEM, authorities that have all
 * expired, a key that is not the certificate's. Node accepts the first two without a word, and throws
 * the third at each attempt to connect.
 *
 * @internal
 */
export function findTlsProblems(tls: TlsOptions): ConfigurationProblem[] {
  if (tls.secureContext) return []; // made, and thereby checked, by its owner
  const { ca, cert, key, passphrase, pfx } = tls;
  const problems = [
    ...(ca === undefined ? [] : problemOfAuthorities(ca)),
    ...(cert === undefined ? [] : problemOf('tls.cert', { cert }, 'a certificate in PEM')),
    ...(key === undefined ? [] : problemOf('tls.key', { key, passphrase }, 'a private key in PEM')),
    ...(pfx === undefined ? [] : problemOf('tls.pfx', { pfx, passphrase }, 'PKCS #12')),
  ];
  if (problems.length > 0) return problems;
  if (!fits(tls)) {
    const accepted = 'the private key of tls.cert';
    return [{ setting: 'tls.key', value: 'the key of another certificate', accepted }];
  }
  return problemOf('tls', tls, 'TLS options that Node accepts');
}

/** OpenSSL itself only compares a certificate with a key of the same type. Lists are left to it. */
function fits({ cert, key, passphrase }: TlsOptions): boolean {
  if (!isText(cert) || !isText(key)) return true;
  const privateKey = createPrivateKey({ key, ...(passphrase !== undefined && { passphrase }) });
  return new X509Certificate(cert).checkPrivateKey(privateKey);
}

function isText(value: unknown): value is string | Buffer {
  return typeof value === 'string' || Buffer.isBuffer(value);
}

/** Node ignores what is no certificate, and then trusts nobody. */
function problemOfAuthorities(ca: NonNullable<TlsOptions['ca']>): ConfigurationProblem[] {
  const setting = 'tls.ca';
  const accepted = 'certificates of authorities in PEM';
  const expiries: number[] = [];
  for (const text of [ca].flat().map(String)) {
    const found = text.match(CERTIFICATE) ?? [];
    if (found.length === 0) return [{ setting, value: 'a text without a certificate', accepted }];
    for (const pem of found) {
      const validTo = expiryOf(pem);
      if (validTo === undefined) return [{ setting, value: 'a broken certificate', accepted }];
      expiries.push(validTo);
    }
  }
  const latest = Math.max(...expiries);
  if (latest > Date.now()) return [];
  const value = `expired on ${new Date(latest).toISOString()}`;
  return [{ setting, value, accepted: 'an authority whose certificate is still valid' }];
}

function expiryOf(pem: string): number | undefined {
  try {
    return Date.parse(new X509Certificate(pem).validTo);
  } catch {
    return undefined;
  }
}

function problemOf(setting: string, tls: TlsOptions, accepted: string): ConfigurationProblem[] {
  try {
    createSecureContext(tls);
    return [];
  } catch (error) {
    const { code = 'unusable' } = error as NodeJS.ErrnoException;
    return [{ setting, value: code, accepted }];
  }
}
