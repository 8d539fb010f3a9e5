import { randomBytes } from 'node:crypto';

/**
 * What stands at the key of a unique value: `=<token>:<id>` when an entity has it, `?<token>:<id>`
 * while a save that wants it is under way. Every save writes a token of its own, so that a claim can
 * be replaced or removed on condition that it is still the one that was looked at.
 */
export type Claim = string;

/** `=`, the token and `:`; the scripts know it too. */
export const CLAIM_PREFIX_LENGTH = 18;

export function newToken(): string {
  return randomBytes(8).toString('hex');
}

export function settledClaim(token: string, id: string): Claim {
  return `=${token}:${id}`;
}

export function pendingClaim(token: string, id: string): Claim {
  return `?${token}:${id}`;
}

export function isPending(claim: Claim): boolean {
  return claim.startsWith('?');
}

/** `''` if it is no claim, but something foreign. */
export function ownerOf(claim: Claim): string {
  return claim.slice(CLAIM_PREFIX_LENGTH);
}
