import { Redis, type ClusterOptions, type RedisOptions } from 'ioredis';
import { LONGEST_TIMER_MS } from '../../time/duration.js';
import type { AccessReader } from './access-reader.js';
import type { ResolvedRedisOptions } from './options.js';
import {
  INSTEAD,
  INSTEAD_IN_CLUSTER,
  type OwnedClusterOption,
  type OwnedOption,
} from './owned-options.js';

/** When an option of ioredis has an effect. Without a member it always has. */
interface Rule {
  /** Only on a connection behind sentinels. */
  readonly sentinels?: true;
  /** Not in a cluster; the value says what to use there. */
  readonly inCluster?: string;
  /** Not with ioredis 5. */
  readonly since6?: true;
  /** Whether it is a number of milliseconds for a timer. */
  readonly timer?: true;
}

const ALWAYS: Rule = {};
const TIMER: Rule = { timer: true };
const BEHIND_SENTINELS: Rule = { sentinels: true };

/** Options of ioredis for one server that are handed on to it. */
const PASSED: Readonly<Record<Exclude<keyof RedisOptions, OwnedOption>, Rule>> = {
  Connector: ALWAYS,
  autoResendUnfulfilledCommands: ALWAYS,
  autoResubscribe: ALWAYS,
  blockingTimeout: TIMER,
  blockingTimeoutGrace: TIMER,
  clientInfoTag: ALWAYS,
  connectionName: ALWAYS,
  disableClientInfo: ALWAYS,
  disconnectTimeout: TIMER,
  enableOfflineQueue: { inCluster: "the option 'ioredisCluster.enableOfflineQueue'" },
  enableReadyCheck: ALWAYS,
  failoverDetector: BEHIND_SENTINELS,
  family: ALWAYS,
  himportFieldsets: { since6: true, inCluster: "the option 'ioredisCluster.himportFieldsets'" },
  keepAlive: TIMER,
  maxLoadingRetryTime: TIMER,
  natMap: { sentinels: true, inCluster: "the option 'ioredisCluster.natMap'" },
  noDelay: ALWAYS,
  preferredSlaves: BEHIND_SENTINELS,
  protocol: { since6: true },
  readOnly: { inCluster: "the option 'ioredisCluster.scaleReads'" },
  reconnectOnError: ALWAYS,
  retryStrategy: { inCluster: "the option 'ioredisCluster.clusterNodeRetryStrategy'" },
  role: BEHIND_SENTINELS,
  scripts: { inCluster: "the option 'ioredisCluster.scripts'" },
  sentinelCommandTimeout: { sentinels: true, timer: true },
  sentinelMaxConnections: BEHIND_SENTINELS,
  sentinelReconnectStrategy: BEHIND_SENTINELS,
  sentinelRetryStrategy: BEHIND_SENTINELS,
  showFriendlyErrorStack: { inCluster: "the option 'ioredisCluster.showFriendlyErrorStack'" },
  socketTimeout: TIMER,
  updateSentinels: BEHIND_SENTINELS,
};

/** Options of ioredis for a cluster that are handed on to it. */
const PASSED_IN_CLUSTER: Readonly<Record<Exclude<keyof ClusterOptions, OwnedClusterOption>, Rule>> =
  {
    clusterNodeRetryStrategy: ALWAYS,
    clusterRetryStrategy: ALWAYS,
    dnsLookup: ALWAYS,
    enableOfflineQueue: ALWAYS,
    enableReadyCheck: ALWAYS,
    himportFieldsets: { since6: true },
    maxRedirections: ALWAYS,
    natMap: ALWAYS,
    resolveSrv: ALWAYS,
    retryDelayOnClusterDown: TIMER,
    retryDelayOnFailover: TIMER,
    retryDelayOnMoved: TIMER,
    retryDelayOnTryAgain: TIMER,
    scaleReads: ALWAYS,
    scripts: ALWAYS,
    shardedSubscribers: ALWAYS,
    showFriendlyErrorStack: ALWAYS,
    slotsRefreshInterval: TIMER,
    slotsRefreshTimeout: TIMER,
    useSRVRecords: ALWAYS,
  };

/** The options that are handed on to ioredis as they are. */
type Settings = Pick<ResolvedRedisOptions, 'ioredis' | 'ioredisCluster'>;

type Topology = ResolvedRedisOptions['topology'];

/**
 * Reads the options that are handed on to ioredis. Refuses every option that this library decides, that
 * ioredis does not know, or that has no effect on this connection. The types forbid some of them, but
 * JavaScript and variables of wider types do not, and a silently ignored setting could be the TLS or the
 * password that a connection is believed to have. An option that is `undefined` counts as not given, and
 * the library's default holds.
 *
 * @internal
 */
export function readDriverSettings(
  { ioredis, ioredisCluster }: { readonly ioredis?: unknown; readonly ioredisCluster?: unknown },
  topology: Topology,
  read: AccessReader,
): Settings {
  const ofServer = given('ioredis', ioredis, read);
  const ofCluster = given('ioredisCluster', ioredisCluster, read);
  if (topology !== 'cluster' && Object.keys(ofCluster).length > 0) {
    const accepted = 'no value, or the option clusterNodes';
    read.refuse('ioredisCluster', 'has no effect without a cluster', accepted);
  }
  check('ioredis', ofServer, INSTEAD, PASSED, topology, read);
  check('ioredisCluster', ofCluster, INSTEAD_IN_CLUSTER, PASSED_IN_CLUSTER, 'cluster', read);
  return { ioredis: ofServer, ioredisCluster: ofCluster };
}

function given(
  setting: string,
  value: unknown,
  read: AccessReader,
): Readonly<Record<string, unknown>> {
  if (value === undefined) return {};
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    read.refuseSecret(setting, 'an object with options of ioredis');
    return {};
  }
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined));
}

function check(
  setting: string,
  settings: Readonly<Record<string, unknown>>,
  instead: Readonly<Record<string, string>>,
  passed: Readonly<Record<string, Rule>>,
  topology: Topology,
  read: AccessReader,
): void {
  for (const [name, value] of Object.entries(settings)) {
    const owned = Object.hasOwn(instead, name) ? instead[name] : undefined;
    const rule = Object.hasOwn(passed, name) ? passed[name] : undefined;
    const option = `${setting}.${name}`;
    const isDefault = name === 'stringNumbers' && value === false;
    if (owned !== undefined && !isDefault) read.refuseSecret(option, owned);
    if (rule) checkRule(option, value, rule, topology, read);
  }
  const known = [...Object.keys(instead), ...Object.keys(passed)];
  const names = Object.fromEntries(known.map((name) => [name, true as const]));
  read.refuseUnknown(settings, names, `${setting}.`);
}

function checkRule(
  option: string,
  value: unknown,
  { sentinels, inCluster, since6, timer }: Rule,
  topology: Topology,
  read: AccessReader,
): void {
  if (topology === 'cluster' && inCluster !== undefined) {
    read.refuse(option, 'has no effect in a cluster', inCluster);
  } else if (sentinels && topology !== 'sentinel') {
    read.refuse(option, 'has no effect without sentinels', 'no value, or the option sentinels');
  } else if (since6 && !isIoredis6()) {
    read.refuse(option, 'has no effect with ioredis 5', 'no value, or ioredis 6');
  } else if (timer && !isTimer(value)) {
    read.refuse(option, value, `milliseconds from 0 to ${LONGEST_TIMER_MS}`);
  }
}

function isTimer(value: unknown): boolean {
  return typeof value === 'number' && value >= 0 && value <= LONGEST_TIMER_MS;
}

/** RESP3, and with it the option `protocol`, came with ioredis 6. */
function isIoredis6(): boolean {
  return 'protocol' in new Redis({ lazyConnect: true }).options;
}
