/**
 * @module logging The log on standard output: JSON for machines, or lines for people.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';

import type { Params } from 'nestjs-pino';

import type { AppConfig } from '../config/app.config.js';
import type { LogLevel } from '../config/app.variables.js';
import { isProbe } from '../http/probes.js';
import { readableLines } from './readable-lines.js';

const SECRETS = [
  'req.headers.authorization',
  'req.headers["proxy-authorization"]',
  'req.headers.cookie',
  'req.headers["x-api-key"]',
  'res.headers["set-cookie"]',
];

/** Logs one line per request, and adds the id of the request to the application's own lines. */
export function requestLogging({
  logLevel: level,
  logFormat,
}: Pick<AppConfig, 'logLevel' | 'logFormat'>): Params {
  return {
    // The default of nestjs-pino, `{/*splat}`, matches nothing on the Fastify adapter of Nest 12.
    forRoutes: ['*splat'],
    pinoHttp: {
      level,
      customLogLevel: levelOf,
      customErrorObject: withoutInventedError,
      redact: { paths: SECRETS, censor: '[redacted]' },
      ...(logFormat === 'pretty' && { stream: readableLines() }),
    },
  };
}

function levelOf(request: IncomingMessage, response: ServerResponse, error?: Error): LogLevel {
  const [path = ''] = (request.url ?? '').split('?', 1);
  const byMachine = isProbe(path); // it needs a line only if it fails
  // A working probe answers 503, too, and the failure behind it has a line of its own.
  const isFailure = error !== undefined || response.statusCode >= 500;
  if (isFailure && !(byMachine && response.statusCode === 503)) return 'error';
  return byMachine ? 'debug' : 'info';
}

/**
 * Removes the error that pino-http invents for every 5xx, with the stack of its own code. The filter that
 * answered has logged the real one, with the same request id.
 */
function withoutInventedError(
  _request: IncomingMessage,
  _response: ServerResponse,
  _error: Error,
  { res, responseTime }: { readonly res: unknown; readonly responseTime: unknown },
): object {
  return { res, responseTime };
}
