import type { Redis } from 'ioredis';
import { withDeadline } from '../time/deadline.js';
import { askServer, type Answers } from './ask-server.js';
import { down, memoryFacts, type Down, type Findings } from './findings.js';
import type { ResolvedHealthOptions } from './health-options.js';
import { judgeServer, type ServerHealth } from './judge-server.js';

/** Looks at a server that is alone, or behind sentinels. One round trip. */
export async function lookAtServer(
  server: Redis,
  options: ResolvedHealthOptions,
): Promise<Findings | Down> {
  const replica = options.replica ?? server.options.role === 'slave';
  const health = await healthOf(server, { ...options, replica, isNode: false });
  if (health.problem !== undefined) return down(health.problem);
  const { role, replicas, reasons, notChecked } = health;
  const facts = {
    ...(role !== undefined && { role }),
    ...(replicas !== undefined && { replicas }),
    ...memoryFacts([health]),
  };
  return { reasons, notChecked, facts };
}

interface Looking extends ResolvedHealthOptions {
  readonly replica: boolean;
  /** Whether it belongs to a cluster. */
  readonly isNode: boolean;
}

/** How one server is, as far as it says so in time. */
export async function healthOf(server: Redis, options: Looking): Promise<ServerHealth> {
  const { timeoutMs, isNode } = options;
  const answers = await withDeadline<Answers | undefined>(
    askServer(server, isNode),
    timeoutMs,
    () => undefined,
  );
  if (answers) return judgeServer(answers, options);
  return { problem: `no answer within ${timeoutMs} ms`, reasons: [], notChecked: [] };
}
