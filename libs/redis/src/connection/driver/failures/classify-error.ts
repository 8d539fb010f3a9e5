import { isError } from '../../../errors/is-error.js';
import type { FailureKind } from '../../../telemetry/command.events.js';
import { DRIVER_SAYS } from '../internals.js';

/** The meaning of a driver error, and the word that Redis has for it. */
export interface ErrorClass {
  readonly kind: FailureKind;
  readonly reply: string;
}

/** The first word of an error reply (https://redis.io/docs/latest/develop/reference/protocol-spec/#simple-errors). */
const REPLIES: Readonly<Record<string, FailureKind>> = {
  BUSY: 'unavailable',
  CLUSTERDOWN: 'unavailable',
  DENIED: 'authentication',
  LOADING: 'unavailable',
  MASTERDOWN: 'unavailable',
  MISCONF: 'unavailable',
  NOAUTH: 'authentication',
  NOPERM: 'permission',
  NOREPLICAS: 'unavailable',
  OOM: 'out-of-memory',
  READONLY: 'unavailable',
  TRYAGAIN: 'unavailable',
  WRONGPASS: 'authentication',
};

/** Errors of ioredis whose names no other library uses. */
const DRIVER_NAMES: Readonly<Record<string, FailureKind>> = {
  ClusterAllFailedError: 'connection',
  MaxRetriesPerRequestError: 'connection',
  SentinelsFailedError: 'connection',
};

/** A command that an ACL forbids to a script, as Redis before 7.2 and since says it: without NOPERM. */
const FORBIDDEN_TO_SCRIPT =
  /^(ERR )?(The user executing the script can't (run|access|publish to) |ACL failure in script: )/;

/**
 * The words of Redis 6 before the reply to a script's command: the first ones if the script was ended, the
 * second ones also if it returned the reply. They differ if the script itself throws.
 */
const RUNNING_SCRIPT =
  /^(ERR Error running script \(call to \w+\): @user_script:\d+: (@user_script: \d+: )?|@user_script: \d+: )-?/;

/** Used as the reply of a cluster client that asked node after node, none of which served the command. */
export const TOO_MANY_REDIRECTIONS = 'too many redirections';

type Wording = readonly [beginning: string, kind: FailureKind, reply: string];

/** Plain `Error`s of ioredis whose words no other library uses. */
const DRIVER_MESSAGES: readonly Wording[] = [
  [DRIVER_SAYS.pipelineOfSeveralGroups, 'command', 'CROSSSLOT'],
  [DRIVER_SAYS.pipelineOfSeveralSlots, 'command', 'CROSSSLOT'],
  [DRIVER_SAYS.noStartupNode, 'connection', 'no cluster node'],
  [DRIVER_SAYS.tooManyRedirections, 'unavailable', TOO_MANY_REDIRECTIONS],
];

/** Plain `Error`s of ioredis in everyday words: trusted only from a client of this library. */
const EVERYDAY_MESSAGES: readonly Wording[] = [
  [DRIVER_SAYS.commandLate, 'timeout', 'timeout'],
  [DRIVER_SAYS.subscriberMode, 'command', 'SUBSCRIBER MODE'],
  [DRIVER_SAYS.monitorMode, 'command', 'SUBSCRIBER MODE'],
];

/**
 * Says what an error means.
 *
 * @param fromOurClient whether the error is known to come from a client of this library. If not, only an
 * error that can come from nothing but Redis is recognized: another library may have an ECONNREFUSED, too
 * @internal
 */
export function classifyError(error: unknown, fromOurClient: boolean): ErrorClass | undefined {
  if (!isError(error)) return undefined;
  if (error.name === 'ReplyError') return classifyReply(error);
  // Errors of a cluster and of sentinels carry their reason inside.
  const { lastNodeError, refusal } = error as { lastNodeError?: unknown; refusal?: unknown };
  const reason = lastNodeError ?? refusal;
  if (isError(reason)) return classifyError(reason, true);
  const kind = DRIVER_NAMES[error.name];
  if (kind) return { kind, reply: error.name };
  const wordings = fromOurClient ? [...DRIVER_MESSAGES, ...EVERYDAY_MESSAGES] : DRIVER_MESSAGES;
  for (const [beginning, meaning, reply] of wordings) {
    if (error.message.startsWith(beginning)) return { kind: meaning, reply };
  }
  if (!fromOurClient) return undefined;
  // The rest are errno codes, TLS failures and closed connections, in many wordings.
  return isProgrammingError(error) ? undefined : { kind: 'connection', reply: error.name };
}

function classifyReply(error: Error): ErrorClass {
  const message = error.message.replace(RUNNING_SCRIPT, '');
  const reply = /^[A-Z][A-Z0-9_]*(?= |$)/.exec(message)?.[0] ?? 'ERR';
  if (reply === 'EXECABORT') {
    const [first] = (error as { previousErrors?: unknown[] }).previousErrors ?? [];
    if (isError(first)) return classifyReply(first);
  }
  if (message.includes('max number of clients reached')) return { kind: 'connection', reply };
  if (FORBIDDEN_TO_SCRIPT.test(message)) return { kind: 'permission', reply: 'NOPERM' };
  return { kind: REPLIES[reply] ?? 'command', reply };
}

function isProgrammingError(error: Error): boolean {
  return error instanceof TypeError || error instanceof RangeError || error instanceof SyntaxError;
}
