import { randomBytes } from 'node:crypto';

/** Of this process, and of each worker thread. */
const PROCESS = randomBytes(9).toString('base64url');

let count = 0;

/** A text of 22 characters that no process makes again. */
export function uniqueId(): string {
  return PROCESS + (count++).toString(36).padStart(10, '0');
}
