/** The constant part of a metric. */
export interface MetricDefinition {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly labels: readonly string[];
  /** One sentence for readers of the scrape. */
  readonly help: string;
  /**
   * How values with the same labels are combined: those of several applications in this process, and
   * those of the workers of a Node cluster.
   */
  readonly aggregator: 'sum' | 'min' | 'max';
  /** Upper bounds in seconds; only a histogram has them. */
  readonly buckets?: readonly number[];
}

/** A local Redis answers in 100 us; a command has a deadline of 5 s unless told otherwise. */
const COMMAND_BUCKETS = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];

/** Work worth caching takes some milliseconds at least, and sometimes half a minute. */
const LOAD_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** Every metric of this library; the names are a promise to dashboards and alerts. */
export const DEFINITIONS = {
  commandDuration: {
    name: 'redis_command_duration_seconds',
    type: 'histogram',
    labels: ['connection', 'command', 'outcome'],
    help: 'Time from the call of a Redis command to its end; without commands that ask Redis to wait.',
    aggregator: 'sum',
    buckets: COMMAND_BUCKETS,
  },
  commandErrors: {
    name: 'redis_command_errors_total',
    type: 'counter',
    labels: ['connection', 'command', 'error'],
    help: 'Redis commands that failed, by kind of failure.',
    aggregator: 'sum',
  },
  connectionUp: {
    name: 'redis_connection_up',
    type: 'gauge',
    labels: ['connection'],
    help: 'Whether the connection is ready for commands: 1 or 0.',
    aggregator: 'min',
  },
  connectionReplacements: {
    name: 'redis_connection_replacements_total',
    type: 'counter',
    labels: ['connection', 'reason'],
    help: 'Connections that were open and given up for a new one, by reason.',
    aggregator: 'sum',
  },
  poolInUse: {
    name: 'redis_pool_in_use',
    type: 'gauge',
    labels: ['connection'],
    help: 'Dedicated connections that are lent.',
    aggregator: 'sum',
  },
  poolLimit: {
    name: 'redis_pool_limit',
    type: 'gauge',
    labels: ['connection'],
    help: 'Dedicated connections that may be lent at a time.',
    aggregator: 'sum',
  },
  cacheRequests: {
    name: 'redis_cache_requests_total',
    type: 'counter',
    labels: ['cache', 'result'],
    help: 'Values asked of a cache, by where they came from.',
    aggregator: 'sum',
  },
  cacheLoadDuration: {
    name: 'redis_cache_load_duration_seconds',
    type: 'histogram',
    labels: ['cache', 'outcome'],
    help: 'Time that the loader of a cached value took, by what became of the value.',
    aggregator: 'sum',
    buckets: LOAD_BUCKETS,
  },
  cacheInvalidations: {
    name: 'redis_cache_invalidations_total',
    type: 'counter',
    labels: ['cache', 'by', 'outcome'],
    help: 'Invalidations of tags, keys and entries found by pattern.',
    aggregator: 'sum',
  },
  cacheLeaseWait: {
    name: 'redis_cache_lease_wait_seconds',
    type: 'histogram',
    labels: ['cache'],
    help: 'Time that a caller waited for a value that another process was loading.',
    aggregator: 'sum',
    buckets: LOAD_BUCKETS,
  },
  nearRequests: {
    name: 'redis_cache_near_requests_total',
    type: 'counter',
    labels: ['cache', 'result'],
    help: 'Reads that asked the near copy of a cache, by whether it served them.',
    aggregator: 'sum',
  },
  nearEvictions: {
    name: 'redis_cache_near_evictions_total',
    type: 'counter',
    labels: ['cache'],
    help: 'Values that a near copy dropped to make room.',
    aggregator: 'sum',
  },
  nearUnverified: {
    name: 'redis_cache_near_unverified_total',
    type: 'counter',
    labels: ['cache'],
    help: 'Values of a near copy that were compared with Redis, because a link had been lost.',
    aggregator: 'sum',
  },
  nearEntries: {
    name: 'redis_cache_near_entries',
    type: 'gauge',
    labels: ['cache'],
    help: 'Values in the near copy of a cache.',
    aggregator: 'sum',
  },
  nearBytes: {
    name: 'redis_cache_near_bytes',
    type: 'gauge',
    labels: ['cache'],
    help: 'Memory that the near copy of a cache takes in the process.',
    aggregator: 'sum',
  },
  nearPushes: {
    name: 'redis_near_pushes_total',
    type: 'counter',
    labels: ['connection'],
    help: 'Messages of Redis about changes, for the near copies of a connection.',
    aggregator: 'sum',
  },
  nearArmed: {
    name: 'redis_near_armed',
    type: 'gauge',
    labels: ['connection'],
    help: 'Whether the near copies of a connection hear what changes in Redis: 1 or 0.',
    aggregator: 'min',
  },
  nearProofAge: {
    name: 'redis_near_proof_age_seconds',
    type: 'gauge',
    labels: ['connection'],
    help: 'Age of the oldest proof that the near copies of a connection know all changes.',
    aggregator: 'max',
  },
  memoryUsed: {
    name: 'redis_memory_used_bytes',
    type: 'gauge',
    labels: ['connection'],
    help: 'Memory that Redis uses; in a cluster its fullest primary.',
    aggregator: 'max',
  },
  memoryLimit: {
    name: 'redis_memory_limit_bytes',
    type: 'gauge',
    labels: ['connection'],
    help: 'Memory that Redis may use (maxmemory); in a cluster its fullest primary.',
    aggregator: 'min',
  },
  memoryEvicts: {
    name: 'redis_memory_evicts',
    type: 'gauge',
    labels: ['connection'],
    help: 'Whether a full Redis evicts any key, and refuses nothing (maxmemory-policy allkeys-*): 1 or 0.',
    aggregator: 'min',
  },
} as const satisfies Readonly<Record<string, MetricDefinition>>;
