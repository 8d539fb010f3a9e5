import {
  RedisConfigurationException,
  type ConfigurationProblem,
} from '../../errors/redis-configuration.exception.js';
import { isHeaderName } from './http-messages.js';
import { namesSecret } from './credentials.js';

/** What describes the body, or who may keep it. Everything else belongs to one exchange. */
export const ALWAYS_KEPT: readonly string[] = [
  'cache-control',
  'content-disposition',
  'content-language',
  'content-type',
  'last-modified',
  'link',
  'vary',
];

/** Headers of one connection or one exchange (RFC 9110, section 7.6.1), and those made here anew. */
const OF_ONE_EXCHANGE: ReadonlySet<string> = new Set([
  'age',
  'clear-site-data',
  'connection',
  'content-encoding',
  'content-length',
  'content-range',
  'date',
  'etag',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'x-cache',
]);

/**
 * Names of response headers that are kept with a response, in lower case.
 *
 * @param setting what says so, for the exception
 * @throws RedisConfigurationException for what is no name of a header, and for one that belongs to one
 * exchange or one client, such as `Set-Cookie`
 * @internal
 */
export function keptHeaders(names: unknown, setting: string): readonly string[] {
  if (names === undefined) return [];
  if (!Array.isArray(names) || !names.every(isHeaderName)) {
    const accepted = "names of response headers, such as 'x-total-count'";
    throw new RedisConfigurationException([{ setting, value: JSON.stringify(names), accepted }]);
  }
  const lower = (names as string[]).map((name) => name.toLowerCase());
  const problems = lower.flatMap((name): ConfigurationProblem[] => {
    const accepted = reasonAgainst(name);
    return accepted === undefined ? [] : [{ setting, value: name, accepted }];
  });
  if (problems.length > 0) throw new RedisConfigurationException(problems);
  return lower;
}

function reasonAgainst(name: string): string | undefined {
  // The latter are made for the origin of each request.
  if (OF_ONE_EXCHANGE.has(name) || name.startsWith('access-control-allow-')) {
    return 'no header that is made for each response anew';
  }
  return namesSecret(name) ? 'no header that may carry what belongs to one client' : undefined;
}
