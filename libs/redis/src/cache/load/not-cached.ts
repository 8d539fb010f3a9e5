/**
 * What a loader throws that has a value, but none for anybody else. Not a failure.
 *
 * @internal
 */
export class NotCached extends Error {}
