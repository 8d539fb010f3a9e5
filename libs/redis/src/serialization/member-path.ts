/**
 * How a member is written behind the path to its object: `.placedAt`, or `["a b"]`.
 *
 * @internal
 */
export function memberPath(name: string): string {
  return /^[\p{L}_$][\p{L}\d_$]*$/u.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`;
}
