import type { LogPolicy } from './log-policy.js';

/** A key may be 512 MB long; nobody reads that. */
const LONGEST = 200;

/**
 * A key as it may be written. The pattern of a key of this application keeps kind, application and
 * environment; of any other key, whose parts could be anything, the first part.
 */
export function keyForLog(key: string | undefined, { keys, space }: LogPolicy): string | undefined {
  if (key === undefined || keys === 'none') return undefined;
  const shown = keys === 'full' ? key : patternOf(key.slice(0, 2 * LONGEST), space);
  return shown.length <= LONGEST ? shown : `${shown.slice(0, LONGEST)}...`;
}

function patternOf(key: string, space: string | undefined): string {
  const [kind = '', app, environment, ...parts] = key.replace(/^\{/, '').split(':');
  const isOurs = parts.length > 0 && `${app}:${environment}` === space;
  if (isOurs) return `${kind}:${space}:*`;
  return app === undefined ? '*' : `${kind}:*`;
}
