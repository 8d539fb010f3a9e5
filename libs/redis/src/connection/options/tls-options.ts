import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { createSecureContext, type ConnectionOptions } from 'node:tls';
import type { ConfigurationProblem } from '../../errors/redis-configuration.exception.js';
import { MASKED } from './mask-secrets.js';
import type { AccessReader } from './access-reader.js';
import type { RedisTlsOptions } from './options.js';

const CERTIFICATE =
  /-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----[^]*?-----END (?:X509 |TRUSTED )?CERTIFICATE-----/g;

/** The member of Node's TLS options that the content of a file becomes. */
const CONTENT_OF = { caFile: 'ca', certFile: 'cert', keyFile: 'key' } as const;
type FileOption = keyof typeof CONTENT_OF;
type Content = (typeof CONTENT_OF)[FileOption];

/**
 * Checks TLS options and returns them in Node's own form. The content of a file is a getter there, so that
 * the file is read again at each connect.
 *
 * @returns `undefined` if TLS is off
 * @internal
 */
export function readTls(
  setting: string,
  given: unknown,
  read: AccessReader,
  byDefault = false,
): ConnectionOptions | undefined {
  const wanted = given === undefined ? byDefault : given;
  if (typeof wanted === 'object' && wanted !== null) return fromOptions(setting, wanted, read);
  if (typeof wanted !== 'boolean') {
    read.refuseSecret(setting, 'true, false or TLS options of Node');
  }
  return wanted === true ? {} : undefined;
}

function fromOptions(
  setting: string,
  given: RedisTlsOptions,
  read: AccessReader,
): ConnectionOptions {
  const { caFile, certFile, keyFile, ...others } = given;
  const files = Object.entries({ caFile, certFile, keyFile }).filter(
    (entry): entry is [FileOption, string] => entry[1] !== undefined,
  );
  const before = read.problems.length;
  for (const [option, path] of files) checkFile(`${setting}.${option}`, path, read);
  if (read.problems.length > before) return others;
  const tls = files.length === 0 ? others : followingFiles(others, files);
  for (const problem of findTlsProblems(tls)) {
    const [option, path] =
      files.find(([name]) => problem.setting === `tls.${CONTENT_OF[name]}`) ?? [];
    const member = option === undefined ? problem.setting.slice('tls'.length) : `.${option}`;
    const { value = MASKED } = problem;
    read.problems.push({
      ...problem,
      setting: `${setting}${member}`,
      value: path === undefined ? value : `${path} (${value})`,
    });
  }
  return tls;
}

function checkFile(setting: string, path: string, read: AccessReader): void {
  try {
    readFileSync(path);
  } catch (error) {
    const { code = 'unreadable' } = error as NodeJS.ErrnoException;
    const accepted = `the path of a PEM file that this process can read (${code})`;
    read.refusePath(setting, path, accepted);
  }
}

/**
 * Adds the content of files to TLS options, read anew whenever Node asks for it. While a file is missing,
 * or only one of key and certificate has been replaced, the content stays as it was before.
 */
function followingFiles(
  others: ConnectionOptions,
  files: readonly (readonly [FileOption, string])[],
): ConnectionOptions {
  const readAll = (): Partial<Record<Content, string>> =>
    Object.fromEntries(
      files.map(([option, path]) => [CONTENT_OF[option], readFileSync(path, 'utf8')]),
    );
  let latest = readAll();
  const refresh = () => {
    try {
      const found = readAll();
      const hasChanged = Object.entries(found).some(
        ([content, text]) => latest[content as Content] !== text,
      );
      if (!hasChanged) return latest;
      if (findTlsProblems({ ...others, ...found }).length === 0) latest = found;
    } catch {
      // A file is being replaced: the next attempt to connect reads it again.
    }
    return latest;
  };
  const tls = { ...others };
  for (const [option] of files) {
    const content = CONTENT_OF[option];
    Object.defineProperty(tls, content, { enumerable: true, get: () => refresh()[content] });
  }
  return tls;
}

/**
 * Finds what cannot work with any server: a text that is no PEM, authorities that have all expired, a key
 * that is not the key of the certificate. Node accepts the first two silently, and throws for the third at
 * each attempt to connect.
 */
function findTlsProblems(tls: ConnectionOptions): ConfigurationProblem[] {
  if (tls.secureContext) return []; // Node has checked it when it was made
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

/** OpenSSL compares a certificate only with a key of the same type. Lists are left to OpenSSL. */
function fits({ cert, key, passphrase }: ConnectionOptions): boolean {
  if (!isText(cert) || !isText(key)) return true;
  const privateKey = createPrivateKey({ key, ...(passphrase !== undefined && { passphrase }) });
  return new X509Certificate(cert).checkPrivateKey(privateKey);
}

function isText(value: unknown): value is string | Buffer {
  return typeof value === 'string' || Buffer.isBuffer(value);
}

/** Node ignores a text without a certificate, and then trusts no server. */
function problemOfAuthorities(ca: NonNullable<ConnectionOptions['ca']>): ConfigurationProblem[] {
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

function problemOf(
  setting: string,
  tls: ConnectionOptions,
  accepted: string,
): ConfigurationProblem[] {
  try {
    createSecureContext(tls);
    return [];
  } catch (error) {
    const { code = 'unusable' } = error as NodeJS.ErrnoException;
    return [{ setting, value: code, accepted }];
  }
}

/**
 * Makes the TLS options for one server. Getters stay getters.
 *
 * @internal
 */
export function tlsFor(tls: ConnectionOptions, host: string | undefined): ConnectionOptions {
  return Object.defineProperties(servernameOf(host), Object.getOwnPropertyDescriptors(tls));
}

/**
 * The name by which a server is asked for its certificate (SNI). An IP address is not such a name.
 *
 * @internal
 */
export function servernameOf(host: string | undefined): { servername?: string } {
  return host === undefined || isIP(host) !== 0 ? {} : { servername: host };
}
