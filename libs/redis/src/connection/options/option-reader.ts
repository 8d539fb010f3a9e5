import type { ConfigurationProblem } from '../../errors/redis-configuration.exception.js';
import {
  ACCEPTED_DURATIONS,
  ACCEPTED_TIMEOUTS,
  durationToMs,
  timeoutToMs,
} from '../../time/duration.js';
import { acceptedHost, isHost } from './hosts.js';
import { MASKED, maskSecrets, maskUrl } from './mask-secrets.js';

/**
 * Reads options one by one and collects what is wrong, so that all of it can be reported at once. A
 * refused value reads as its default.
 *
 * @internal
 */
export class OptionReader {
  readonly problems: ConfigurationProblem[] = [];

  text(setting: string, value: string | undefined, byDefault: string): string {
    if (value === undefined) return byDefault;
    if (typeof value === 'string' && value !== '') return value;
    this.refuse(setting, value, 'a text that is not empty');
    return byDefault;
  }

  /**
   * A text that an application may have none of: an empty one, as it comes from an environment variable
   * that is set to nothing, counts as not set.
   */
  textOrNone(setting: string, value: string | undefined): string | undefined {
    return value === undefined || value === '' ? undefined : this.text(setting, value, '');
  }

  /** The same for a text that is never printed. */
  secretOrNone(setting: string, value: unknown): string | undefined {
    if (value === undefined || value === '') return undefined;
    if (typeof value === 'string') return value;
    this.refuseSecret(setting, 'a text');
    return undefined;
  }

  /** A host name or an IP address, without a port. */
  host(setting: string, value: string | undefined, byDefault: string): string {
    if (value === undefined) return byDefault;
    if (typeof value === 'string' && isHost(value)) return value;
    this.refuse(setting, value, acceptedHost(value, setting.replace(/host$/, 'port'), "'url'"));
    return byDefault;
  }

  integer(
    setting: string,
    value: number | undefined,
    byDefault: number,
    [least, most]: readonly [number, number],
  ): number {
    if (value === undefined) return byDefault;
    if (Number.isInteger(value) && value >= least && value <= most) return value;
    this.refuse(setting, value, `a whole number from ${least} to ${most}`);
    return byDefault;
  }

  /** A time that is waited for. */
  timeout(setting: string, value: string | undefined, byDefaultMs: number): number {
    if (value === undefined) return byDefaultMs;
    const ms = timeoutToMs(value);
    if (ms === undefined) this.refuse(setting, value, ACCEPTED_TIMEOUTS);
    return ms ?? byDefaultMs;
  }

  /** A time after which Redis forgets. */
  ttl(setting: string, value: string | undefined, byDefaultMs: number): number | 'forever' {
    if (value === undefined) return byDefaultMs;
    if (value === 'forever') return value;
    const ms = durationToMs(value);
    if (ms !== undefined) return ms;
    this.refuse(setting, value, `${ACCEPTED_DURATIONS}, or 'forever'`);
    return byDefaultMs;
  }

  oneOf<T extends string>(
    setting: string,
    value: T | undefined,
    byDefault: T,
    choices: readonly T[],
  ): T {
    if (value === undefined) return byDefault;
    if (choices.includes(value)) return value;
    this.refuse(setting, value, `one of ${choices.join(', ')}`);
    return byDefault;
  }

  refuse(setting: string, value: unknown, accepted: string): void {
    this.problems.push({ setting, value: maskSecrets(String(value)), accepted });
  }

  /** Refuses the path of a file, which is no secret. */
  refusePath(setting: string, path: string, accepted: string): void {
    this.problems.push({ setting, value: path, accepted });
  }

  refuseUrl(setting: string, value: unknown, accepted: string): void {
    this.problems.push({ setting, value: maskUrl(String(value)), accepted });
  }

  /** Refuses a value that must not be printed. */
  refuseSecret(setting: string, accepted: string): void {
    this.problems.push({ setting, value: MASKED, accepted });
  }

  miss(setting: string, accepted: string): void {
    this.problems.push({ setting, accepted });
  }
}
