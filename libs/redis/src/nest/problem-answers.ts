/** Answers the clients of each transport with a problem: the same facts, in the form that they expect. */
import type { ArgumentsHost } from '@nestjs/common';
import type { ProblemDetails } from './problem-details.js';

type WsArgumentsHost = ReturnType<ArgumentsHost['switchToWs']>;

/**
 * Makes the error of an RPC client: the problem, with its detail as `message`, where callers look for the
 * text of an error. An API gateway in front can answer with it as it is.
 */
export function rpcErrorOf(problem: ProblemDetails): ProblemDetails & { readonly message: string } {
  return { ...problem, message: problem.detail };
}

/**
 * Emits an `exception` event with the members of Nest's own (`status`, `message`, `cause`) and the problem,
 * in the form of socket.io or of Nest's adapter for native WebSockets.
 */
export function emitProblem(problem: ProblemDetails, host: WsArgumentsHost): void {
  const { detail: message, code } = problem;
  const cause = { pattern: host.getPattern(), data: host.getData<unknown>() };
  const data = { status: 'error', message, code, problem, cause };
  const client = host.getClient<WsClient>();
  if (isNative(client)) client.send?.(JSON.stringify({ event: 'exception', data }));
  else client.emit?.('exception', data);
}

interface WsClient {
  readonly readyState?: unknown;
  send?(message: string): unknown;
  emit?(event: string, data: object): unknown;
}

/** The `emit` of a native WebSocket reaches only listeners in this process. */
const isNative = ({ readyState }: WsClient): boolean => typeof readyState === 'number';

/**
 * Carries a problem to a server that answers with the errors it catches. GraphQL servers answer with
 * `message` and `extensions`. There is no `cause`, and the stack names no place, because some servers answer
 * with those, too.
 */
export class ReportedProblem extends Error {
  override readonly name = 'ReportedProblem';
  readonly extensions: Omit<ProblemDetails, 'detail'>;

  constructor({ detail, ...extensions }: ProblemDetails) {
    super(detail);
    this.extensions = extensions;
    this.stack = `${this.name}: ${detail}`;
  }
}
