import { fileURLToPath } from 'node:url';

/** A database: PostgreSQL, or a file of SQLite. */
export type DatabaseTarget = PostgresTarget | FileTarget;

export interface PostgresTarget {
  readonly kind: 'postgres';
  /** The URL for the driver, with credentials. */
  readonly url: string;
  /** For people, without credentials. */
  readonly description: string;
}

export interface FileTarget {
  readonly kind: 'file';
  /** Path of the file, or `:memory:`. */
  readonly path: string;
  readonly description: string;
}

/** The accepted parameters. The driver would take any of its settings: also another host, or no timeout. */
const PARAMETERS = ['sslmode', 'sslrootcert', 'sslcert', 'sslkey'];

export const DATABASE_URL_ACCEPTED =
  'postgres://[user[:password]@]host[:port]/database[?sslmode=verify-full] with special characters ' +
  `percent-encoded and no parameters but ${PARAMETERS.join(', ')}; file:path; or :memory:`;

/** Characters that parsers of URLs drop or change. */
const DROPPED = /[\s\p{Cc}\\]/u;

const IN_MEMORY = ':memory:';
const FILE = /^file:/i;
const POSTGRES = /^postgres(ql)?:\/\//i;

/** @returns `undefined` for a text that names no database, or can be read in two ways */
export function parseDatabaseUrl(url: string): DatabaseTarget | undefined {
  if (url === IN_MEMORY) {
    return { kind: 'file', path: IN_MEMORY, description: 'SQLite in memory, gone at exit' };
  }
  if (DROPPED.test(url)) return undefined;
  try {
    if (FILE.test(url)) return fileTarget(url);
    return POSTGRES.test(url) ? postgresTarget(url) : undefined;
  } catch {
    return undefined; // it cannot be parsed, or decoded
  }
}

/** The only part of a refused URL that may be printed: the rest may contain a password. */
export function schemeOf(url: string): string {
  return /^[a-z][a-z0-9+.-]*:/i.exec(url)?.[0] ?? '(not a URL)';
}

function fileTarget(url: string): FileTarget | undefined {
  const path = /^file:\/\//i.test(url) ? fileURLToPath(url) : url.slice('file:'.length);
  if (path === '' || path.endsWith('/') || path.includes('?')) return undefined;
  return { kind: 'file', path, description: `SQLite in the file ${path}` };
}

function postgresTarget(url: string): PostgresTarget | undefined {
  const { host, hostname, pathname, search, searchParams, hash, username, password } = new URL(url);
  const database = decodeURIComponent(pathname.slice(1));
  decodeURIComponent(username + password); // throws for a lonely %
  // A password with a slash, a question mark or a hash that is not encoded ends the address too early.
  const isAmbiguous = hash !== '' || (pathname + search).includes('@');
  const names = [...searchParams.keys()];
  const isKnown = names.every(
    (name, at) => PARAMETERS.includes(name) && names.indexOf(name) === at,
  );
  if (hostname === '' || database === '' || isAmbiguous || !isKnown) return undefined;
  return { kind: 'postgres', url, description: `PostgreSQL at ${host}/${database}` };
}
