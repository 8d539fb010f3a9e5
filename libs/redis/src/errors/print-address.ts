/**
 * Prints an address as `host:port`. A Unix socket has the port 0 and is printed as its path.
 *
 * @internal
 */
export function printAddress({ host, port }: { readonly host: string; readonly port: number }) {
  return port === 0 ? host : `${host}:${port}`;
}
