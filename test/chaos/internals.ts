/** The name of the application, and of its environment, in every key. */
export const APP = 'chaos';

/** Of the servers that ask for one. */
export const PASSWORD = 'chaos-secret';

/** Text that must never leave the process: addresses, keys, commands, names of the driver, stacks, passwords. */
const INTERNALS = [
  /127\.0\.0\.1|localhost|redis:\/\/|:\d{5}\b/,
  /ioredis|ECONN\w+|EPIPE|EVALSHA/,
  /READONLY|MOVED|LOADING|CLUSTERDOWN|NOREPLICAS|\bOOM\b/,
  new RegExp(`\\b(user|unique|cache|tag|index):${APP}`),
  /\bat .+\.(ts|js):\d/,
  new RegExp(PASSWORD),
];

/** @returns the first thing in a reply that is not the business of a client */
export function findInternals(text: string): string | undefined {
  return INTERNALS.map((pattern) => pattern.exec(text)?.[0]).find((found) => found !== undefined);
}
