import { ID_LENGTH, isMadeHere, uniqueId } from './unique-id.js';

/** Of this process, for as long as what they stand for is under way. */
const living = new Set<string>();

/**
 * Who holds a lease. What is stored as the lease begins with the token; the holder changes what comes
 * after it, again and again, to show that it lives.
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
 * Whether a lease is held by something in this process that has ended: it could not be given back.
 *
 * @internal
 */
export function isLeftBehind(lease: string): boolean {
  return isMadeHere(lease) && !living.has(lease.slice(0, ID_LENGTH));
}
