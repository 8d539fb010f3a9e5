import { randomBytes } from 'node:crypto';

/**
 * What stands at the key of a unique value: `<token>:<reserved until>:<id>`. A save that is under way
 * reserves the value for itself, up to a time in milliseconds, in 13 digits; what is settled is
 * reserved until 0. After that time a claim is worth what its entity is: if that has another value, or
 * is gone, somebody else may take the claim over. Every save writes a token of its own, so that a claim
 * can be replaced or removed on condition that it is still the one that was looked at.
 */
export type Claim = string;

const SETTLED = '0'.repeat(13);

/** The token, the time and two colons. */
const PREFIX_LENGTH = 16 + 1 + SETTLED.length + 1;

export function newToken(): string {
  return randomBytes(8).toString('hex');
}

export function settledClaim(token: string, id: string): Claim {
  return `${token}:${SETTLED}:${id}`;
}

/** `''` if it is no claim, but something foreign. */
export function ownerOf(claim: Claim): string {
  return claim.slice(PREFIX_LENGTH);
}

/** The same for scripts, and whether a claim is reserved, by the server's own clock. */
export const READ_CLAIM = `
local function owner_of(claim)
  return string.sub(claim, ${PREFIX_LENGTH + 1})
end
local function now()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
local function is_reserved(claim)
  return (tonumber(string.sub(claim, 18, 30)) or 0) > now()
end
`;
