import type { Redis } from 'ioredis';
import { withDeadline } from '../time/deadline.js';
import { askServer, type Answers, type Asked } from './server-answers.js';
import { down, memoryFacts, type Down, type Findings } from './findings.js';
import type { ResolvedHealthOptions } from './health-options.js';
import { OUTAGES } from './health-words.js';
import { judgeServer, type ServerHealth } from './judge-server.js';

/** Looks at a server that is alone, or behind sentinels. One round trip. */
export async function lookAtServer(
  server: Redis,
  options: ResolvedHealthOptions,
): Promise<Findings | Down> {
  const replica = options.replica ?? server.options.role === 'slave';
  const health = await healthOf({ client: server }, { ...options, replica });
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
}

/** How one server is, as far as it says so in time. */
export async function healthOf(asked: Asked, options: Looking): Promise<ServerHealth> {
  const answers = await withDeadline<Answers | undefined>(
    askServer(asked),
    options.timeoutMs,
    () => undefined,
  );
  if (answers) return judgeServer(answers, options);
  return { problem: OUTAGES.late, reasons: [], notChecked: [] };
}
