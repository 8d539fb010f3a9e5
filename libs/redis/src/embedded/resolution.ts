import { join } from 'node:path';
import {
  RedisConfigurationException,
  type ConfigurationProblem,
} from '../errors/redis-configuration.exception.js';
import { refuseUnknownOptions } from '../errors/unknown-options.js';
import { CONFIGURING_VARIABLES, describeConfiguration } from './describe-configuration.js';
import type { EmbeddedServer } from './embedded-server.js';
import { findServerBinary, type Environment } from './find-server-binary.js';
import { startLocalServer } from './local-server.js';

/** Which Redis an application uses, and how it ends. */
export interface ResolvedRedis {
  /** Where it is; `undefined` if it is configured by other variables than `REDIS_URL`. */
  readonly url: string | undefined;
  /** `configured`: yours. `server`: this machine's, started now. `embedded`: inside this process. */
  readonly source: 'configured' | 'server' | 'embedded';
  /** One line for the log: which Redis and why. Holds no password. */
  readonly description: string;
  /** Stops what was started; nothing for a configured one. May be called twice. */
  stop(): Promise<void>;
}

export interface ResolveRedisOptions {
  /** Under which the data of a started server is kept. @default `.data` in the working directory */
  readonly dataDirectory?: string;
}

/** What a machine offers; tests describe other machines than the one they run on. */
export interface Machine {
  readonly usualFolders: readonly string[];
  readonly startEmbedded: () => Promise<EmbeddedServer>;
}

const REMEDIES =
  '`docker compose up -d redis`, `sudo apt-get install -y redis-server` or `brew install valkey`';

/** @internal */
export async function resolveOn(
  machine: Machine,
  env: Environment,
  options: ResolveRedisOptions,
): Promise<ResolvedRedis> {
  refuseUnknownOptions(options, { dataDirectory: true }, 'resolveRedis: ');
  const configured = describeConfiguration(env);
  if (configured !== undefined) {
    return {
      url: env['REDIS_URL']?.trim() || undefined,
      source: 'configured',
      description: `Redis: ${configured}`,
      stop: () => Promise.resolve(),
    };
  }
  const problems = [...embeddedProblems(env), ...missingRedis(env)];
  if (problems.length > 0) throw new RedisConfigurationException(problems);
  const dataDirectory = options.dataDirectory ?? join(process.cwd(), '.data');
  const { tried, ...local } = await tryLocalServer(machine, env, dataDirectory);
  return local.server ?? (await tryEmbeddedServer(machine, tried));
}

function embeddedProblems(env: Environment): ConfigurationProblem[] {
  const value = embeddedOf(env);
  if (value === 'on' || value === 'off') return [];
  return [{ setting: 'REDIS_EMBEDDED', value, accepted: 'on or off' }];
}

/**
 * Says that no Redis is configured where none may be started, as with `NODE_ENV=production`: then
 * `resolveRedis` rejects. Lets an application report that together with what else is wrong with its
 * environment. Opens nothing.
 *
 * @example
 * const problems = [...problemsOfMine(process.env), ...missingRedis()];
 * @returns no problem, or one
 * @publicApi
 */
export function missingRedis(env: Environment = process.env): readonly ConfigurationProblem[] {
  const isProduction = env['NODE_ENV'] === 'production';
  const mayBeStarted = !isProduction && embeddedOf(env) !== 'off';
  if (mayBeStarted || describeConfiguration(env) !== undefined) return [];
  const why = isProduction ? 'NODE_ENV=production' : 'REDIS_EMBEDDED=off';
  const variables = CONFIGURING_VARIABLES.join(', ');
  const accepted = `with ${why} no Redis is started for you; set one of ${variables}`;
  return [{ setting: CONFIGURING_VARIABLES[0], accepted }];
}

function embeddedOf(env: Environment): string {
  return env['REDIS_EMBEDDED']?.trim() || 'on';
}

/** @throws RedisConfigurationException if the server was chosen by name and does not start */
async function tryLocalServer(
  machine: Machine,
  env: Environment,
  dataDirectory: string,
): Promise<{ server?: ResolvedRedis; tried: readonly string[] }> {
  const { binary, tried } = await findServerBinary(env, machine.usualFolders);
  if (binary === undefined) return { tried };
  try {
    const server = await startLocalServer(binary, dataDirectory);
    return { server: started('server', server), tried };
  } catch (error) {
    const problem = (error as Error).message.replace(/\s*\n\s*/g, ' | '); // one line in a log
    if (!env['REDIS_SERVER_BIN']?.trim()) return { tried: [...tried, problem] };
    throw new RedisConfigurationException([
      { setting: 'REDIS_SERVER_BIN', value: binary.path, accepted: `a server; ${problem}` },
    ]);
  }
}

async function tryEmbeddedServer(
  machine: Machine,
  tried: readonly string[],
): Promise<ResolvedRedis> {
  try {
    const server = await machine.startEmbedded();
    const description =
      `the embedded server, whose data is gone at exit, because nothing is configured and there is ` +
      `${tried.join('; ')}. To keep data: ${REMEDIES}`;
    return started('embedded', { port: server.port, description, stop: () => server.stop() });
  } catch (error) {
    const everything = [...tried, (error as Error).message].join('; ');
    throw new RedisConfigurationException([
      {
        setting: CONFIGURING_VARIABLES[0],
        accepted: `set it, or get a Redis with ${REMEDIES} (tried: ${everything})`,
      },
    ]);
  }
}

function started(
  source: 'server' | 'embedded',
  server: { readonly port: number; readonly description: string; stop(): Promise<void> },
): ResolvedRedis {
  let stopped: Promise<void> | undefined;
  const address = `127.0.0.1:${server.port}`;
  return {
    url: `redis://${address}`,
    source,
    description: `Redis: ${address}, ${server.description}`,
    stop: () => (stopped ??= server.stop()),
  };
}
