/**
 * The optional packages of the main entry point: each is loaded when it is first needed, and a missing one
 * is reported with the line that installs it (docs/adr/0063).
 */
import {
  RedisConfigurationException,
  type ConfigurationProblem,
} from '../errors/redis-configuration.exception.js';
import {
  loadClassTransformer,
  loadClassValidator,
  loadNestConfig,
  loadTransformerStorage,
  type Loaded,
} from './load-peer.cjs';

const NEEDED_BY_ENTITIES =
  'RedisModule.forFeature and RedisRepository need it: ' +
  'npm install class-validator class-transformer';
const NEEDED_BY_CONFIG = 'redisConfig.asProvider needs it: npm install @nestjs/config';

type ClassValidator = typeof import('class-validator');
type ClassTransformer = typeof import('class-transformer');

let validator: ClassValidator | undefined;
let transformer: ClassTransformer | 'missing' | undefined;

/**
 * Loads what repositories need.
 *
 * @throws RedisConfigurationException naming each package that is not installed
 * @internal
 */
export function requireEntityPeers(): void {
  const problems = [
    problemOf(loadClassValidator(), 'class-validator', NEEDED_BY_ENTITIES),
    problemOf(loadClassTransformer(), 'class-transformer', NEEDED_BY_ENTITIES),
  ].filter((problem) => problem !== undefined);
  if (problems.length > 0) throw new RedisConfigurationException(problems);
}

/** @throws RedisConfigurationException if class-validator is not installed */
export function classValidator(): ClassValidator {
  return (validator ??= found(loadClassValidator(), 'class-validator', NEEDED_BY_ENTITIES));
}

/** @throws RedisConfigurationException if class-transformer is not installed */
export function classTransformer(): ClassTransformer {
  const known = classTransformerIfInstalled();
  return known ?? found(loadClassTransformer(), 'class-transformer', NEEDED_BY_ENTITIES);
}

/** @returns `undefined` if class-transformer is not installed: no class of the application uses it */
export function classTransformerIfInstalled(): ClassTransformer | undefined {
  if (transformer === undefined) {
    const loaded = loadClassTransformer();
    transformer = 'found' in loaded ? loaded.found : 'missing';
  }
  return transformer === 'missing' ? undefined : transformer;
}

/** @returns `undefined` if this version of class-transformer keeps its metadata elsewhere */
export function transformerStorage(): unknown {
  const loaded = loadTransformerStorage();
  return 'found' in loaded ? loaded.found.defaultMetadataStorage : undefined;
}

/** @throws RedisConfigurationException if @nestjs/config is not installed */
export function nestConfig(): typeof import('@nestjs/config') {
  return found(loadNestConfig(), '@nestjs/config', NEEDED_BY_CONFIG);
}

function found<T>(loaded: Loaded<T>, name: string, remedy: string): T {
  if ('found' in loaded) return loaded.found;
  const problem = problemOf(loaded, name, remedy);
  throw problem ? new RedisConfigurationException([problem]) : loaded.error;
}

/** @throws the error of a package that is installed and fails */
function problemOf(
  loaded: Loaded<unknown>,
  name: string,
  remedy: string,
): ConfigurationProblem | undefined {
  if ('found' in loaded) return undefined;
  if (!isMissing(loaded.error, name)) throw loaded.error;
  return { setting: name, value: 'not installed', accepted: remedy };
}

/** Whether this package is missing, and not one that it needs itself. */
function isMissing(error: unknown, name: string): boolean {
  const { code, message } = error as { code?: unknown; message?: unknown };
  const isUnresolved = code === 'MODULE_NOT_FOUND' || code === 'ERR_MODULE_NOT_FOUND';
  return isUnresolved && String(message).includes(`'${name}'`);
}
