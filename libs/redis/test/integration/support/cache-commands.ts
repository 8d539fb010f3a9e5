/** Tell the commands of a cache apart by their arguments, for gates: all of them are `evalsha`. */
type Args = readonly unknown[];

const endsWith = (arg: unknown, end: string) => typeof arg === 'string' && arg.endsWith(end);

export const isFill = (args: Args): boolean =>
  args.some((arg) => Buffer.isBuffer(arg) && arg.toString('latin1', 0, 2) === 'c1');

/** Of a claim to a lease, also together with what its load depends on. */
export const isAcquire = (args: Args): boolean => isClaim(args) && claimsIn(args) > 0;

export const isRelease = (args: Args): boolean => args[1] === 1 && endsWith(args[2], ':lease');

/** Of a claim, or a part of one, that names versions. */
export const isCapture = (args: Args): boolean =>
  isClaim(args) && Number(args[1]) > 2 * claimsIn(args);

/** Of a deletion, an invalidation by tag, and the end of a change. */
export const isWithdraw = (args: Args): boolean =>
  args.length === Number(args[1]) + 4 && (args.at(-1) === '0' || args.at(-1) === '1');

/** Of the beginning of a change, and of its signs of life. */
export const isAnnounce = (args: Args): boolean =>
  args.length === Number(args[1]) + 4 && /^\d{4,}$/.test(String(args.at(-1)));

function isClaim(args: Args): boolean {
  const keys = Number(args[1]);
  return /^\d+$/.test(String(args[keys + 3])) && args.length === 2 * keys + 4 + 2 * claimsIn(args);
}

function claimsIn(args: Args): number {
  return Number(args[Number(args[1]) + 3]);
}

/** The second that comes by, then the third, ...: those before it pass. */
export function nth(n: number, matches: (args: Args) => boolean = () => true) {
  let seen = 0;
  return (args: Args): boolean => matches(args) && ++seen === n;
}
