/**
 * A command has ended. Each is announced once for each time it was sent: alone, in a pipeline, inside
 * MULTI, as part of a script's call or to a node of a cluster. What the driver or the library answers by
 * asking again (MOVED, ASK, NOSCRIPT) is not announced, the repetition is; nor is a CLIENT SETINFO that
 * failed, which the driver sends to each server and Redis knows since 7.2.
 */
export interface CommandEvent {
  readonly type: 'command';
  readonly connection: string;
  /** In lower case; `other` unless ioredis knows it or a server has answered it. */
  readonly command: string;
  /** From the call to the reply. */
  readonly durationMs: number;
  /** It asked Redis to wait, such as BLPOP: its duration says nothing about Redis. */
  readonly isBlocking: boolean;
  readonly failure?: CommandFailed | undefined;
  /** Its first key, whole, worked out when it is asked for. */
  readonly key: string | undefined;
  /** Does it in the async context of the caller, where a logger finds the request. */
  within(work: () => void): void;
}

/** Why a command failed. */
export interface CommandFailed {
  /** What the driver reported; arguments are hidden, but Redis may have named the ACL user. */
  readonly error: Error;
  /** The kind of exception that it becomes. */
  readonly kind: FailureKind;
}

export type FailureKind =
  | 'authentication'
  | 'command'
  | 'connection'
  | 'out-of-memory'
  | 'permission'
  | 'timeout'
  | 'unavailable';
