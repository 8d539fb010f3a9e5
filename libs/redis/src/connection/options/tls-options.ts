import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import { findTlsProblems } from './check-tls.js';
import { MASKED } from './mask-secrets.js';
import type { AccessReader } from './access-reader.js';
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
      if (findTlsProblems({ ...others, ...found }).length === 0) latest = found;
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
