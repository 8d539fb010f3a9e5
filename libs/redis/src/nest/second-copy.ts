/**
 * Each copy of this library that a process loads has classes of its own: Nest does not inject the
 * `RedisCache` of one where that of the other is asked for, and `instanceof` fails (docs/adr/0062). The
 * failure does not name its reason, so a second copy does.
 */
const COPIES = Symbol.for('nestjs-redis-data:copies');

/**
 * Notes where this copy was loaded from, and warns if there is another one.
 *
 * @internal
 */
export function noteCopy(place = placeOfCaller(new Error('here'))): void {
  const found = Reflect.get(globalThis, COPIES) as Set<string> | undefined;
  const copies = found ?? new Set<string>();
  Reflect.set(globalThis, COPIES, copies);
  if (copies.has(place)) return; // loaded again, as by jest.resetModules
  copies.add(place);
  if (copies.size === 1) return;
  process.emitWarning(
    `This process has loaded several copies of nestjs-redis-data: ${[...copies].join(', ')}. ` +
      'Their classes are different ones: Nest does not inject those of one copy into users of ' +
      'another ("can\'t resolve dependencies"), and instanceof is false. Install one version ' +
      '(npm ls nestjs-redis-data), and load it in one format.',
    { type: 'SecondCopyWarning', code: 'NESTJS_REDIS_DATA_COPIES' },
  );
}

/** The file and the line in which a copy calls {@link noteCopy}: in a bundle, copies share the file. */
function placeOfCaller({ stack = '' }: Error): string {
  const [, , caller = 'an unknown place'] = stack.split('\n');
  return caller.trim().replace(/^at (?:.*\()?(?:file:\/\/)?([^()]+?)(?::\d+)?\)?$/, '$1');
}
