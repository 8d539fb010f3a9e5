import { types } from 'node:util';

import { RedisException } from 'nestjs-redis-data';

import { EnvironmentException } from '../config/environment.exception.js';
import { DatabaseStartException } from '../database/database-start.exception.js';

/**
 * Describes why the application could not start: with the message alone if it says what to do, and with the
 * stack if only a developer can help.
 */
export function describeStartupFailure(error: unknown): string {
  // `instanceof` would miss errors of another realm, such as those of the runtime in a test.
  if (!types.isNativeError(error)) return `The application could not start: ${String(error)}`;
  const speaksForItself = [DatabaseStartException, EnvironmentException, RedisException];
  if (speaksForItself.some((type) => error instanceof type)) return error.message;
  return listenFailure(error) ?? `The application could not start.\n${error.stack}`;
}

function listenFailure(error: NodeJS.ErrnoException): string | undefined {
  if (error.syscall !== 'listen' && error.syscall !== 'getaddrinfo') return undefined;
  switch (error.code) {
    case 'EADDRINUSE':
      return `Cannot listen on ${where(error)}: another process uses it. Stop that one, or set PORT.`;
    case 'EACCES':
      return `Cannot listen on ${where(error)}: not permitted. Set PORT to one above 1023.`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return `Cannot listen on ${where(error)}: this machine has no such address. Set HOST.`;
    default:
      return undefined;
  }
}

function where(error: Error & { address?: string; hostname?: string; port?: number }): string {
  return [error.address ?? error.hostname, error.port]
    .filter((part) => part !== undefined)
    .join(':');
}
