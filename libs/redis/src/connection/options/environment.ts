import { readFileSync } from 'node:fs';
import { validateSync } from 'class-validator';
import {
  RedisConfigurationException,
  type ConfigurationProblem,
} from '../../errors/redis-configuration.exception.js';
import type { Duration } from '../../time/duration.js';
import { parseAddresses, RedisEnvironment } from './environment.variables.js';
import { MASKED, maskSecrets } from './mask-secrets.js';
import type { RedisModuleOptions, StartupPolicy } from './options.js';
import { findOptionProblems } from './resolve-options.js';

type Variable = keyof RedisEnvironment;

/** Which variable to name when an option is refused. */
const VARIABLE_OF: Readonly<Record<string, Variable>> = {
  app: 'REDIS_KEY_PREFIX',
  clusterNodes: 'REDIS_CLUSTER_NODES',
  db: 'REDIS_DB',
  sentinelName: 'REDIS_SENTINEL_NAME',
  sentinels: 'REDIS_SENTINELS',
  'tls.ca': 'REDIS_TLS_CA_FILE',
  'tls.cert': 'REDIS_TLS_CERT_FILE',
  'tls.key': 'REDIS_TLS_KEY_FILE',
};

/**
 * Reads the `REDIS_*` variables. An empty variable counts as not set. Opens no socket; reads the TLS
 * files.
 *
 * @param env usually `process.env`
 * @throws RedisConfigurationException listing every problem, secrets masked
 * @publicApi
 */
export function redisOptionsFromEnvironment(
  env: Readonly<Record<string, string | undefined>>,
): RedisModuleOptions {
  const variables = pickVariables(env);
  const problems = findSyntaxProblems(variables);
  const refused = new Set(problems.map((problem) => problem.setting));
  const options = toOptions(without(refused, variables), env['NODE_ENV'], problems);
  for (const problem of findOptionProblems(options)) {
    const setting = VARIABLE_OF[problem.setting] ?? problem.setting;
    if (refused.has(setting)) continue;
    const path = setting.endsWith('_FILE') && variables[setting as Variable];
    const value = path ? `${path} (${problem.value})` : problem.value;
    problems.push({ ...problem, setting, ...(value !== undefined && { value }) });
  }
  if (problems.length > 0) throw new RedisConfigurationException(problems);
  return options;
}

function pickVariables(env: Readonly<Record<string, string | undefined>>): RedisEnvironment {
  const variables = new RedisEnvironment();
  for (const name of Object.keys(variables) as Variable[]) {
    const value = name === 'REDIS_PASSWORD' ? env[name] : env[name]?.trim();
    if (value) variables[name] = value;
  }
  return variables;
}

function without(refused: ReadonlySet<string>, variables: RedisEnvironment): RedisEnvironment {
  const usable = Object.entries(variables).filter(([name]) => !refused.has(name));
  return Object.assign(new RedisEnvironment(), Object.fromEntries(usable));
}

function findSyntaxProblems(variables: RedisEnvironment): ConfigurationProblem[] {
  return validateSync(variables).map(({ property, constraints = {} }) => ({
    setting: property,
    value: printable(property, variables[property as Variable] ?? ''),
    accepted: Object.values(constraints).join(', '),
  }));
}

function printable(variable: string, value: string): string {
  return variable === 'REDIS_PASSWORD' ? MASKED : maskSecrets(value);
}

/** Everything left in `variables` has been checked, so the assertions below hold. */
function toOptions(
  variables: RedisEnvironment,
  nodeEnv: string | undefined,
  problems: ConfigurationProblem[],
): RedisModuleOptions {
  const { REDIS_SENTINELS, REDIS_CLUSTER_NODES, REDIS_PORT, REDIS_DB } = variables;
  return {
    app: variables.REDIS_KEY_PREFIX,
    environment: variables.REDIS_ENVIRONMENT ?? (nodeEnv?.trim() || undefined),
    url: variables.REDIS_URL,
    host: variables.REDIS_HOST,
    port: REDIS_PORT === undefined ? undefined : Number(REDIS_PORT),
    username: variables.REDIS_USERNAME,
    password: variables.REDIS_PASSWORD,
    db: REDIS_DB === undefined ? undefined : Number(REDIS_DB),
    tls: toTls(variables, problems),
    sentinels: REDIS_SENTINELS === undefined ? undefined : parseAddresses(REDIS_SENTINELS),
    sentinelName: variables.REDIS_SENTINEL_NAME,
    clusterNodes:
      REDIS_CLUSTER_NODES === undefined ? undefined : parseAddresses(REDIS_CLUSTER_NODES),
    maxConnections:
      variables.REDIS_MAX_CONNECTIONS === undefined
        ? undefined
        : Number(variables.REDIS_MAX_CONNECTIONS),
    connectTimeout: withUnit(variables.REDIS_CONNECT_TIMEOUT, 'ms'),
    commandTimeout: withUnit(variables.REDIS_COMMAND_TIMEOUT, 'ms'),
    defaultTtl:
      variables.REDIS_DEFAULT_TTL === 'forever'
        ? 'forever'
        : withUnit(variables.REDIS_DEFAULT_TTL, 's'),
    startup: variables.REDIS_STARTUP as StartupPolicy | undefined,
  };
}

/** The customary unit of the variable, unless it names one. */
function withUnit(value: string | undefined, unit: 'ms' | 's'): Duration | undefined {
  if (value === undefined) return undefined;
  return (/^\d+$/.test(value) ? `${value}${unit}` : value) as Duration;
}

function toTls(
  variables: RedisEnvironment,
  problems: ConfigurationProblem[],
): RedisModuleOptions['tls'] {
  const { REDIS_TLS, REDIS_TLS_CA_FILE, REDIS_TLS_CERT_FILE, REDIS_TLS_KEY_FILE } = variables;
  const wanted = REDIS_TLS === undefined ? undefined : REDIS_TLS === 'true';
  if (!REDIS_TLS_CA_FILE && !REDIS_TLS_CERT_FILE && !REDIS_TLS_KEY_FILE) return wanted;
  if (!(wanted ?? variables.REDIS_URL?.startsWith('rediss:') ?? false)) {
    problems.push({
      setting: 'REDIS_TLS',
      ...(REDIS_TLS !== undefined && { value: REDIS_TLS }),
      accepted: "'true' (or a rediss:// REDIS_URL), because a TLS file is set",
    });
  }
  if (Boolean(REDIS_TLS_CERT_FILE) !== Boolean(REDIS_TLS_KEY_FILE)) {
    problems.push({
      setting: REDIS_TLS_CERT_FILE ? 'REDIS_TLS_KEY_FILE' : 'REDIS_TLS_CERT_FILE',
      accepted: 'the other half of the client certificate: certificate and key go together',
    });
  }
  const ca = readTlsFile('REDIS_TLS_CA_FILE', variables, problems);
  const cert = readTlsFile('REDIS_TLS_CERT_FILE', variables, problems);
  const key = readTlsFile('REDIS_TLS_KEY_FILE', variables, problems);
  return { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) };
}

function readTlsFile(
  variable: 'REDIS_TLS_CA_FILE' | 'REDIS_TLS_CERT_FILE' | 'REDIS_TLS_KEY_FILE',
  variables: RedisEnvironment,
  problems: ConfigurationProblem[],
): string | undefined {
  const path = variables[variable];
  if (path === undefined) return undefined;
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const { code = 'unreadable' } = error as NodeJS.ErrnoException;
    problems.push({
      setting: variable,
      value: path,
      accepted: `the path of a PEM file that this process can read (${code})`,
    });
    return undefined;
  }
}
