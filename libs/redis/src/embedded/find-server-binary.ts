import { execFile, type ExecFileException } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, isAbsolute, join, resolve } from 'node:path';
import { RedisConfigurationException } from '../errors/redis-configuration.exception.js';

export type Environment = Readonly<Record<string, string | undefined>>;

/** A Redis or Valkey program that runs on this machine. */
export interface ServerBinary {
  readonly path: string;
  readonly flavour: 'redis' | 'valkey';
  /** E.g. `7.0.15`. */
  readonly version: string;
}

export interface BinarySearch {
  readonly binary?: ServerBinary;
  /** One line for each program that was tried and cannot be used. */
  readonly tried: readonly string[];
}

/** The folders in which package managers install servers, for environments with a short PATH. */
export const USUAL_FOLDERS: readonly string[] = [
  '/usr/bin',
  '/usr/sbin',
  '/usr/local/bin',
  '/usr/local/sbin',
  '/opt/homebrew/bin',
  '/home/linuxbrew/.linuxbrew/bin',
  '/opt/local/bin',
  '/snap/bin',
];

const PROGRAMS = ['valkey-server', 'redis-server'];
const PROBE_TIMEOUT_MS = 3_000;
/** ioredis 6 sends HELLO first, which Redis knows since version 6. */
const OLDEST_MAJOR = 6;

/**
 * Finds a Redis or Valkey server: only `REDIS_SERVER_BIN` if it is set, else `valkey-server` and
 * `redis-server` on the PATH of `env` and in the usual folders. Runs each program with `--version`, which
 * fails for a program of another architecture or libc. Ignores relative folders on the PATH.
 *
 * @throws RedisConfigurationException if `REDIS_SERVER_BIN` is set and cannot be used
 * @internal
 */
export async function findServerBinary(
  env: Environment,
  usualFolders: readonly string[] = USUAL_FOLDERS,
): Promise<BinarySearch> {
  const chosen = env['REDIS_SERVER_BIN']?.trim();
  if (chosen) return { binary: await probeChosen(resolve(chosen)), tried: [] };
  const onPath = (env['PATH'] ?? '').split(delimiter).filter((folder) => isAbsolute(folder));
  const folders = [...new Set([...onPath, ...usualFolders])];
  const tried: string[] = [];
  for (const program of PROGRAMS) {
    for (const folder of folders) {
      const path = join(folder, program);
      if (!isExecutable(path)) continue;
      const result = await probe(path);
      if (typeof result !== 'string') return { binary: result, tried };
      tried.push(`${path} ${result}`);
    }
  }
  tried.push(`no ${tried.length > 0 ? 'other ' : ''}${PROGRAMS.join(' or ')} on the PATH`);
  return { tried };
}

async function probeChosen(path: string): Promise<ServerBinary> {
  const result = await probe(path);
  if (typeof result !== 'string') return result;
  throw new RedisConfigurationException([
    {
      setting: 'REDIS_SERVER_BIN',
      value: path,
      accepted: `the path of a redis-server or valkey-server that runs here, but this one ${result}`,
    },
  ]);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** @returns the server, or the reason why it cannot be used, as the end of a sentence */
function probe(path: string): Promise<ServerBinary | string> {
  const options = { timeout: PROBE_TIMEOUT_MS, env: { ...process.env, LC_ALL: 'C' } };
  return new Promise((done) => {
    execFile(path, ['--version'], options, (error, stdout, stderr) => {
      done(error === null ? readVersion(path, stdout) : explain(error, stderr));
    });
  });
}

function readVersion(path: string, output: string): ServerBinary | string {
  const [, flavour, version] = /^(redis|valkey) server v=(\d+\.\d+\.\d+)/i.exec(output) ?? [];
  if (flavour === undefined || version === undefined) {
    return 'did not answer --version like a Redis or Valkey server';
  }
  if (Number.parseInt(version, 10) < OLDEST_MAJOR) {
    return `is version ${version}, older than ${OLDEST_MAJOR}.0`;
  }
  return { path, flavour: flavour.toLowerCase() === 'redis' ? 'redis' : 'valkey', version };
}

function explain(error: ExecFileException, stderr: string): string {
  if (error.killed === true) return `gave no version within ${PROBE_TIMEOUT_MS} ms`;
  const said = stderr.trim().split('\n')[0];
  const code = typeof error.code === 'number' ? `exit code ${error.code}` : error.code;
  return `could not be run (${(said || code) ?? error.message})`;
}
