import { randomBytes } from 'node:crypto';

/** Of this process, and of each worker thread. */
const PROCESS = randomBytes(9).toString('base64url');

const ID_LENGTH = 22;

let count = 0;

/** Makes a text of 22 characters that no process makes again. */
export function uniqueId(): string {
  return PROCESS + (count++).toString(36).padStart(ID_LENGTH - PROCESS.length, '0');
}

/** The tokens of this process whose loads are under way. */
const living = new Set<string>();

/**
 * Identifies the holder of a lease. What is stored as the lease begins with the token. The holder changes
 * what follows the token again and again, to show that it lives.
 *
 * @internal
 */
export class LeaseToken {
  readonly text = uniqueId();

  begin(): void {
    living.add(this.text);
  }

  end(): void {
    living.delete(this.text);
  }

  isIn(lease: string | null): boolean {
    return lease?.startsWith(this.text) === true;
  }
}

/**
 * Whether the holder of a lease was in this process and has ended: the lease could not be given back.
 *
 * @internal
 */
export function isLeftBehind(lease: string): boolean {
  return lease.startsWith(PROCESS) && !living.has(lease.slice(0, ID_LENGTH));
}
