/**
 * A command has ended. There is one event for each time it was sent: alone, in a pipeline, inside MULTI, as
 * part of a script's call or to a node of a cluster. A reply that makes the driver or the library send the
 * command again (MOVED, ASK, NOSCRIPT) has no event; the command sent again has one.
 */
export interface CommandEvent {
  readonly type: 'command';
  readonly connection: string;
  /** The name in lower case; `other` unless ioredis knows it or a server has answered it. */
  readonly command: string;
  /** The time from the call to the reply. */
  readonly durationMs: number;
  /** Whether the command asks Redis to wait, as BLPOP does: then its duration says nothing about Redis. */
  readonly isBlocking: boolean;
  readonly failure?: CommandFailed | undefined;
  /** The first key in full; computed when it is read. */
  readonly key: string | undefined;
  /** Runs the work in the async context of the caller, in which a logger finds the request. */
  within(work: () => void): void;
}

/** Why a command failed. */
export interface CommandFailed {
  /** The error of the driver, without arguments; Redis may have named the ACL user in it. */
  readonly error: Error;
  /** The kind of exception into which the error is translated. */
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
