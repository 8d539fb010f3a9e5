import {
  RedisConfigurationException,
  type ConfigurationProblem,
} from '../../errors/redis-configuration.exception.js';
import type { Duration } from '../../time/duration.js';
import { parseAddresses } from './addresses.js';
import { RedisEnvironment, refusedVariables } from './environment.variables.js';
import { MASKED, maskSecrets, maskUrl } from './mask-secrets.js';
import type { RedisModuleOptions, RedisTlsOptions, StartupPolicy } from './options.js';
import { parseRedisUrl } from './redis-url.js';
import { findOptionProblems } from './resolve-options.js';

type Variable = keyof RedisEnvironment;

/** By option: the variable to name when the option is refused. */
const VARIABLE_OF: Readonly<Record<string, Variable>> = {
  app: 'REDIS_KEY_PREFIX',
  clusterNodes: 'REDIS_CLUSTER_NODES',
  db: 'REDIS_DB',
  host: 'REDIS_HOST',
  port: 'REDIS_PORT',
  sentinelName: 'REDIS_SENTINEL_NAME',
  sentinelPassword: 'REDIS_SENTINEL_PASSWORD',
  sentinelTls: 'REDIS_SENTINEL_TLS',
  sentinelUsername: 'REDIS_SENTINEL_USERNAME',
  sentinels: 'REDIS_SENTINELS',
  tls: 'REDIS_TLS',
  'sentinelTls.caFile': 'REDIS_TLS_CA_FILE',
  'sentinelTls.certFile': 'REDIS_TLS_CERT_FILE',
  'sentinelTls.keyFile': 'REDIS_TLS_KEY_FILE',
  'tls.caFile': 'REDIS_TLS_CA_FILE',
  'tls.certFile': 'REDIS_TLS_CERT_FILE',
  'tls.keyFile': 'REDIS_TLS_KEY_FILE',
};

/** Variables that are never printed and not trimmed: a space may be a part of the secret. */
const SECRETS: ReadonlySet<string> = new Set<Variable>([
  'REDIS_PASSWORD',
  'REDIS_SENTINEL_PASSWORD',
]);

/**
 * Reads the `REDIS_*` variables. An empty variable counts as not set. Opens no socket; reads the TLS
 * files to check them, and they are read again at each connect.
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
    if (!refused.has(setting)) problems.push({ ...problem, setting });
    refused.add(setting); // one file may serve two options
  }
  if (problems.length > 0) throw new RedisConfigurationException(problems);
  return options;
}

function pickVariables(env: Readonly<Record<string, string | undefined>>): RedisEnvironment {
  const variables = new RedisEnvironment();
  for (const name of Object.keys(variables) as Variable[]) {
    const value = SECRETS.has(name) ? env[name] : env[name]?.trim();
    if (value) variables[name] = value;
  }
  return variables;
}

function without(refused: ReadonlySet<string>, variables: RedisEnvironment): RedisEnvironment {
  const usable = Object.entries(variables).filter(([name]) => !refused.has(name));
  return Object.assign(new RedisEnvironment(), Object.fromEntries(usable));
}

function findSyntaxProblems(variables: RedisEnvironment): ConfigurationProblem[] {
  return refusedVariables(variables).map(({ variable, value, accepted }) => ({
    setting: variable,
    value: printable(variable, value),
    accepted,
  }));
}

function printable(variable: string, value: string): string {
  if (SECRETS.has(variable)) return MASKED;
  return variable === 'REDIS_URL' ? maskUrl(value) : maskSecrets(value);
}

/** All variables have been checked by now, so the type assertions below hold. */
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
    ...toTls(variables, problems),
    sentinels: REDIS_SENTINELS === undefined ? undefined : parseAddresses(REDIS_SENTINELS),
    sentinelName: variables.REDIS_SENTINEL_NAME,
    sentinelUsername: variables.REDIS_SENTINEL_USERNAME,
    sentinelPassword: variables.REDIS_SENTINEL_PASSWORD,
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

/** Adds the unit of the variable to a bare number. */
function withUnit(value: string | undefined, unit: 'ms' | 's'): Duration | undefined {
  if (value === undefined) return undefined;
  return (/^\d+$/.test(value) ? `${value}${unit}` : value) as Duration;
}

/** The same files serve Redis and the sentinels. */
function toTls(
  variables: RedisEnvironment,
  problems: ConfigurationProblem[],
): Pick<RedisModuleOptions, 'tls' | 'sentinelTls'> {
  const { REDIS_TLS, REDIS_TLS_CERT_FILE, REDIS_TLS_KEY_FILE } = variables;
  const wanted = booleanOf(REDIS_TLS);
  const ofSentinels = booleanOf(variables.REDIS_SENTINEL_TLS);
  const files = toTlsFiles(variables);
  if (files === undefined) return { tls: wanted, sentinelTls: ofSentinels };
  const isOn = wanted ?? parseRedisUrl(variables.REDIS_URL ?? '')?.tls ?? false;
  if (!isOn && ofSentinels !== true) {
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
  return {
    tls: isOn || ofSentinels !== true ? files : wanted,
    sentinelTls: ofSentinels === true ? files : ofSentinels,
  };
}

function toTlsFiles(variables: RedisEnvironment): RedisTlsOptions | undefined {
  const { REDIS_TLS_CA_FILE, REDIS_TLS_CERT_FILE, REDIS_TLS_KEY_FILE } = variables;
  if (!REDIS_TLS_CA_FILE && !REDIS_TLS_CERT_FILE && !REDIS_TLS_KEY_FILE) return undefined;
  return {
    ...(REDIS_TLS_CA_FILE && { caFile: REDIS_TLS_CA_FILE }),
    ...(REDIS_TLS_CERT_FILE && { certFile: REDIS_TLS_CERT_FILE }),
    ...(REDIS_TLS_KEY_FILE && { keyFile: REDIS_TLS_KEY_FILE }),
  };
}

function booleanOf(value: string | undefined): boolean | undefined {
  return value === undefined ? undefined : value === 'true';
}
