import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { TlsMaterial } from './tls-material.js';

/** A reply of Redis, as RESP2 carries it. */
export type RedisReply = string | number | null | readonly RedisReply[];

export interface RedisTarget {
  readonly host: string;
  readonly port: number;
  readonly password?: string | undefined;
  readonly tls?: TlsMaterial | undefined;
}

const DEADLINE_MS = 2_000;

/**
 * Sends one command over a connection of its own. The topologies are assembled with it, without the retries
 * of a client library.
 *
 * @throws Error with the error reply of Redis, or if there is no answer within two seconds
 * @internal
 */
export async function sendCommand(
  { host, password, port, tls }: RedisTarget,
  ...args: readonly string[]
): Promise<RedisReply> {
  const socket =
    tls === undefined
      ? connect({ host, port })
      : // The certificate may be valid for a name only; this connects to the address.
        connectTls({ host, port, ca: tls.ca, checkServerIdentity: () => undefined });
  try {
    if (password !== undefined) await exchange(socket, ['AUTH', password]);
    return await exchange(socket, args);
  } finally {
    socket.destroy();
  }
}

/** Sends a command and reads its reply; Redis sends nothing else on such a connection. */
function exchange(socket: Socket, args: readonly string[]): Promise<RedisReply> {
  return new Promise((resolve, reject) => {
    let received = '';
    const fail = (why: string): void => reject(new Error(`${args[0]}: ${why}`));
    socket.setTimeout(DEADLINE_MS, () => fail(`no answer within ${DEADLINE_MS} ms`));
    socket.once('error', reject);
    socket.once('close', () => fail('the connection was closed'));
    socket.on('data', (chunk: Buffer) => {
      received += chunk.toString('latin1');
      try {
        const parsed = parse(received, 0);
        if (parsed !== undefined) resolve(parsed.value);
      } catch (error) {
        fail(String(error));
      }
    });
    socket.write(encode(args));
  });
}

function encode(args: readonly string[]): string {
  const parts = args.map((arg) => `$${Buffer.byteLength(arg)}\r\n${arg}\r\n`);
  return `*${args.length}\r\n${parts.join('')}`;
}

interface Parsed {
  readonly value: RedisReply;
  readonly end: number;
}

/** Parses RESP2. @returns `undefined` while the reply is incomplete */
function parse(text: string, start: number): Parsed | undefined {
  const lineEnd = text.indexOf('\r\n', start);
  if (lineEnd === -1) return undefined;
  const line = text.slice(start + 1, lineEnd);
  const end = lineEnd + 2;
  switch (text[start]) {
    case '+':
      return { value: line, end };
    case '-':
      throw new Error(line);
    case ':':
      return { value: Number(line), end };
    case '$':
      return parseBulk(text, Number(line), end);
    default:
      return parseArray(text, Number(line), end);
  }
}

function parseBulk(text: string, length: number, start: number): Parsed | undefined {
  if (length === -1) return { value: null, end: start };
  const end = start + length + 2;
  return text.length < end ? undefined : { value: text.slice(start, end - 2), end };
}

function parseArray(text: string, count: number, start: number): Parsed | undefined {
  if (count === -1) return { value: null, end: start };
  const value: RedisReply[] = [];
  let end = start;
  while (value.length < count) {
    const item = parse(text, end);
    if (item === undefined) return undefined;
    value.push(item.value);
    end = item.end;
  }
  return { value, end };
}
