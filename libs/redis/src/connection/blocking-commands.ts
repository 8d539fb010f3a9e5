import type { Command } from 'ioredis';

/** Where a blocking command says how long it may block, and in which unit. */
const TIMEOUT_ARGUMENT = new Map<string, readonly ['first' | 'last' | 'block', 's' | 'ms']>([
  ['blmove', ['last', 's']],
  ['blmpop', ['first', 's']],
  ['blpop', ['last', 's']],
  ['brpop', ['last', 's']],
  ['brpoplpush', ['last', 's']],
  ['bzmpop', ['first', 's']],
  ['bzpopmax', ['last', 's']],
  ['bzpopmin', ['last', 's']],
  ['wait', ['last', 'ms']],
  ['waitaof', ['last', 'ms']],
  ['xread', ['block', 'ms']],
  ['xreadgroup', ['block', 'ms']],
]);

type Argument = Command['args'][number];

const UNIT_MS = { s: 1_000, ms: 1 } as const;

/**
 * How long Redis itself may hold this command back: 0 for an ordinary one, `Infinity` for "until
 * something comes" (a timeout of 0).
 *
 * @internal
 */
export function blockingTimeMs(name: string, args: readonly Argument[]): number {
  const blocking = TIMEOUT_ARGUMENT.get(name);
  if (!blocking) return 0;
  const [position, unit] = blocking;
  const argument = args[indexOf(position, args)];
  if (argument === undefined) return 0;
  const time = Number(String(argument));
  if (!Number.isFinite(time) || time < 0) return 0; // Redis will refuse it at once
  return time === 0 ? Number.POSITIVE_INFINITY : time * UNIT_MS[unit];
}

function indexOf(position: 'first' | 'last' | 'block', args: readonly Argument[]): number {
  switch (position) {
    case 'first':
      return 0;
    case 'last':
      return args.length - 1;
    case 'block': {
      const block = args.findIndex((arg) => String(arg).toLowerCase() === 'block');
      return block === -1 ? -1 : block + 1;
    }
  }
}
