/** Thrown when the application cannot start because of its database, and waiting would not help. */
export class DatabaseStartException extends Error {
  override readonly name = 'DatabaseStartException';

  constructor(database: string, cause: unknown) {
    super(`${database} cannot be used: ${reasonOf(cause)}. Look at DATABASE_URL.`, { cause });
  }
}

function reasonOf(cause: unknown): string {
  if (cause instanceof Error && 'reason' in cause) return String(cause.reason);
  return cause instanceof Error ? cause.message : String(cause);
}
