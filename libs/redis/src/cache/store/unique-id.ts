import { randomBytes } from 'node:crypto';

/** Of this process, and of each worker thread. */
const PROCESS = randomBytes(9).toString('base64url');

let count = 0;

/** How long every one of them is. */
export const ID_LENGTH = 22;

/** A text of 22 characters that no process makes again. */
export function uniqueId(): string {
  return PROCESS + (count++).toString(36).padStart(ID_LENGTH - PROCESS.length, '0');
}

/** Whether a text begins with an id of this process. */
export function isMadeHere(text: string): boolean {
  return text.startsWith(PROCESS);
}
