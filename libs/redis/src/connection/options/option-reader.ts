import {
  RedisConfigurationException,
  type ConfigurationProblem,
} from '../../errors/redis-configuration.exception.js';
import { unknownOptions, type OptionNames } from '../../errors/unknown-options.js';
import {
  ACCEPTED_DURATIONS,
  ACCEPTED_TIMEOUTS,
  durationToMs,
  LONGEST_TIMER_MS,
} from '../../time/duration.js';

/**
 * Reads options one by one and collects what is wrong, so that {@link finish} reports all of it at once.
 * A refused value reads as its default. Every part of the library that has options uses this reader.
 *
 * @internal
 */
export class OptionReader {
  readonly problems: ConfigurationProblem[] = [];
  readonly #where: string;

  /** @param where what stands before the names in messages, e.g. `cache "users": ` */
  constructor(where = '') {
    this.#where = where;
  }

  text(setting: string, value: string | undefined, byDefault: string): string {
    if (value === undefined) return byDefault;
    if (typeof value === 'string' && value !== '') return value;
    this.refuse(setting, value, 'a text that is not empty');
    return byDefault;
  }

  /**
   * A text without a default. An empty text, as it comes from an environment variable that is set to
   * nothing, counts as not set.
   */
  textOrNone(setting: string, value: string | undefined): string | undefined {
    return value === undefined || value === '' ? undefined : this.text(setting, value, '');
  }

  /** An option that is true or false. The text `'false'`, as environments have it, is refused. */
  flag(setting: string, value: boolean | undefined, byDefault: boolean): boolean {
    if (value === undefined) return byDefault;
    if (typeof value === 'boolean') return value;
    this.refuse(setting, value, 'true or false');
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

  /** A number from 0 to 1. */
  fraction(setting: string, value: number | undefined, byDefault: number): number {
    if (value === undefined) return byDefault;
    if (typeof value === 'number' && value >= 0 && value <= 1) return value;
    this.refuse(setting, value, 'a number from 0 to 1');
    return byDefault;
  }

  /** How long something lives. */
  duration(setting: string, value: string | undefined, byDefaultMs: number): number {
    if (value === undefined) return byDefaultMs;
    const ms = millisecondsOf(value);
    if (ms === undefined) this.refuse(setting, value, ACCEPTED_DURATIONS);
    return ms ?? byDefaultMs;
  }

  /** How long something lives in Redis, where `'forever'` is allowed. */
  ttl(setting: string, value: string | undefined, byDefaultMs: number): number | 'forever' {
    if (value === undefined) return byDefaultMs;
    if (value === 'forever') return value;
    const ms = millisecondsOf(value);
    if (ms === undefined) this.refuse(setting, value, `${ACCEPTED_DURATIONS}, or 'forever'`);
    return ms ?? byDefaultMs;
  }

  /** How long something is waited for: as long as a timer of Node can be. */
  timeout(setting: string, value: string | undefined, byDefaultMs: number, leastMs = 1): number {
    if (value === undefined) return byDefaultMs;
    const ms = millisecondsOf(value);
    if (ms !== undefined && ms >= leastMs && ms <= LONGEST_TIMER_MS) return ms;
    const least = leastMs > 1 ? `, and at least '${leastMs}ms'` : '';
    this.refuse(setting, value, ACCEPTED_TIMEOUTS + least);
    return byDefaultMs;
  }

  oneOf<T extends string | number>(
    setting: string,
    value: T | undefined,
    byDefault: T,
    choices: readonly T[],
    accepted = `one of ${choices.join(', ')}`,
  ): T {
    if (value === undefined) return byDefault;
    if (choices.includes(value)) return value;
    this.refuse(setting, value, accepted);
    return byDefault;
  }

  /**
   * Refuses options whose names are not known.
   *
   * @param where what stands before the names in these messages
   */
  refuseUnknown(given: object, known: OptionNames, where = this.#where): void {
    this.problems.push(...unknownOptions(given, known, where));
  }

  refuse(setting: string, value: unknown, accepted: string): void {
    this.note({ setting, value: this.print(value), accepted });
  }

  /** Notes an option that has to be given and is not. */
  miss(setting: string, accepted: string): void {
    this.note({ setting, accepted });
  }

  /** @throws RedisConfigurationException listing everything that was refused */
  finish(): void {
    if (this.problems.length > 0) throw new RedisConfigurationException(this.problems);
  }

  protected note({ setting, ...problem }: ConfigurationProblem): void {
    this.problems.push({ setting: this.#where + setting, ...problem });
  }

  /** A refused value as messages show it. */
  protected print(value: unknown): string {
    return String(value);
  }
}

const known = new Map<string, number | undefined>();

/** Calls of a cache may bring options of their own, but their durations are always the same few. */
function millisecondsOf(duration: string): number | undefined {
  if (known.has(duration)) return known.get(duration);
  const ms = durationToMs(duration);
  if (known.size < 1_000) known.set(duration, ms);
  return ms;
}
