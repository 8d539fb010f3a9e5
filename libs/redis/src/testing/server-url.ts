/** @internal */
export function serverUrl(server: {
  readonly host: string;
  readonly port: number;
  readonly password: string | undefined;
  readonly tls: unknown;
}): string {
  const scheme = server.tls === undefined ? 'redis' : 'rediss';
  const credentials =
    server.password === undefined ? '' : `:${encodeURIComponent(server.password)}@`;
  return `${scheme}://${credentials}${server.host}:${server.port}`;
}
