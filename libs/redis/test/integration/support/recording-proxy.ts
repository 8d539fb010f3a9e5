import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** Stands between a client and a server and remembers how each connection began. */
export interface RecordingProxy {
  readonly host: string;
  readonly port: number;
  readonly target: Target;
  /** Everything that clients have sent, by connection. */
  readonly sent: readonly Buffer[];
  stop(): Promise<void>;
}

interface Target {
  readonly host: string;
  readonly port: number;
}

/** Starts a proxy on a free loopback port. */
export async function startRecordingProxy({ host, port }: Target): Promise<RecordingProxy> {
  const sockets = new Set<Socket>();
  const sent: Buffer[] = [];
  const server = createServer((client) => {
    const index = sent.push(Buffer.alloc(0)) - 1;
    const upstream = connect({ host, port });
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => other.destroy());
    }
    client.on('data', (chunk: Buffer) => {
      sent[index] = Buffer.concat([sent[index] ?? chunk, chunk]);
    });
    client.pipe(upstream);
    upstream.pipe(client);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    host: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    target: { host, port },
    sent,
    stop: () =>
      new Promise<void>((resolve) => {
        server.close(() => {
          resolve();
        });
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/** Returns the bytes of a connection that belong to no TLS record. */
export function outsideOfTls(bytes: Buffer): Buffer {
  let at = 0;
  while (at < bytes.length) {
    const type = bytes[at] ?? 0;
    if (type < 0x14 || type > 0x17 || bytes[at + 1] !== 3) return bytes.subarray(at);
    if (at + 5 > bytes.length) break;
    at += 5 + bytes.readUInt16BE(at + 3);
  }
  return Buffer.alloc(0);
}

/** The name that a client asked for in its first message (RFC 6066), if it named one. */
export function serverNameIn(hello: Buffer): string | undefined {
  let at = 5 + 4 + 2 + 32; // the headers of record and message, the version, the random bytes
  at += 1 + (hello[at] ?? 0); // the session
  at += 2 + hello.readUInt16BE(at); // the cipher suites
  at += 1 + (hello[at] ?? 0); // the compressions
  const end = at + 2 + hello.readUInt16BE(at);
  for (at += 2; at + 4 <= end; at += 4 + hello.readUInt16BE(at + 2)) {
    if (hello.readUInt16BE(at) !== 0) continue;
    return hello.toString('latin1', at + 9, at + 9 + hello.readUInt16BE(at + 7));
  }
  return undefined;
}
