import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { createSecureContext, type ConnectionOptions } from 'node:tls';
import type { OptionReader } from './option-reader.js';
import type { RedisTlsOptions } from './options.js';

/** Which member of Node's TLS options a file stands for. */
const CONTENT_OF = { caFile: 'ca', certFile: 'cert', keyFile: 'key' } as const;
type FileOption = keyof typeof CONTENT_OF;
type Content = (typeof CONTENT_OF)[FileOption];

/**
 * Checks TLS options and returns them in Node's own form. What comes from a file is a getter there: Node
 * reads it at each connect, and so the file.
 *
 * @returns `undefined` if there is to be no TLS
 * @internal
 */
export function readTls(
  setting: string,
  given: unknown,
  read: OptionReader,
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
  read: OptionReader,
): ConnectionOptions {
  const { caFile, certFile, keyFile, ...others } = given;
  const files = Object.entries({ caFile, certFile, keyFile }).filter(
    (entry): entry is [FileOption, string] => entry[1] !== undefined,
  );
  const before = read.problems.length;
  for (const [option, path] of files) checkFile(`${setting}.${option}`, path, read);
  if (read.problems.length > before) return others;
  const tls = files.length === 0 ? others : followingFiles(others, files);
  const refuse = (content: Content, accepted: string) => {
    const [option, path] = files.find(([name]) => CONTENT_OF[name] === content) ?? [];
    if (path !== undefined) read.refusePath(`${setting}.${option}`, path, accepted);
    else read.refuseSecret(`${setting}.${content}`, accepted);
  };
  // What Node refuses while it connects, it would refuse at every attempt.
  if (failureOf(() => checkAuthorities(tls))) refuse('ca', 'certificates in PEM');
  const failure = failureOf(() => checkPair(tls));
  if (failure) refuse('key', `PEM, of the key that belongs to the certificate (${failure})`);
  return tls;
}

function checkFile(setting: string, path: string, read: OptionReader): void {
  const failure = failureOf(() => readFileSync(path));
  if (!failure) return;
  const accepted = `the path of a PEM file that this process can read (${failure})`;
  read.refusePath(setting, path, accepted);
}

/** The code of what it throws; a message of OpenSSL may quote what it could not read. */
function failureOf(check: () => unknown): string | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'unreadable';
  }
}

/** Node takes everything for authorities, and trusts none if there is none in it. */
function checkAuthorities({ ca }: ConnectionOptions): void {
  if (typeof ca === 'string' || Buffer.isBuffer(ca)) new X509Certificate(ca);
}

function checkPair(tls: ConnectionOptions): void {
  if (tls.cert !== undefined && tls.key !== undefined) createSecureContext(tls);
}

/**
 * Adds the content of files to TLS options, as it is when it is asked for. While a file is missing, or
 * key and certificate do not match because only one of them was replaced yet, it is as it was before.
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
      checkAuthorities(found);
      checkPair({ ...others, ...found });
      latest = found;
    } catch {
      // is being replaced: the next attempt to connect reads it again
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
 * TLS options for one server. Getters stay getters.
 *
 * @internal
 */
export function tlsFor(tls: ConnectionOptions, host: string | undefined): ConnectionOptions {
  return Object.defineProperties(servernameOf(host), Object.getOwnPropertyDescriptors(tls));
}

/**
 * The name by which a server is asked for its certificate (SNI). An address is no name.
 *
 * @internal
 */
export function servernameOf(host: string | undefined): { servername?: string } {
  return host === undefined || isIP(host) !== 0 ? {} : { servername: host };
}
