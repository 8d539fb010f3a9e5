/** How the clients of each transport are told a problem: the same facts, in the form they expect. */
import type { ArgumentsHost } from '@nestjs/common';
import type { ProblemDetails } from './problem-details.js';

type WsArgumentsHost = ReturnType<ArgumentsHost['switchToWs']>;

/**
 * What an RPC client is rejected with: the problem, with its detail as `message`, where callers look for
 * the text of an error. A gateway in front can answer with it as it is.
 */
export function rpcErrorOf(problem: ProblemDetails): ProblemDetails & { readonly message: string } {
  return { ...problem, message: problem.detail };
}

/**
 * Emits an `exception` event with what Nest's own has (`status`, `message`, `cause`), and the problem, as
 * clients of socket.io, or of Nest's adapter for native WebSockets, read it.
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

/** The `emit` of a native WebSocket tells only listeners in this process. */
const isNative = ({ readyState }: WsClient): boolean => typeof readyState === 'number';

/**
 * A problem for what reports the errors that it catches, as GraphQL servers do: they answer `message` and
 * `extensions`. It has no `cause` and its stack names no place, because some of them answer those, too.
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
