import { once } from 'node:events';
import http from 'node:http';
import { text } from 'node:stream/consumers';

import type { Answer } from './oracle.js';

export interface ApiAnswer extends Answer {
  /** The body, if it is JSON. */
  readonly json: unknown;
  /** Where the next page is, if there is one. */
  readonly next: string | undefined;
  readonly headers: http.IncomingHttpHeaders;
}

interface Received {
  readonly status: number;
  readonly text: string;
  readonly headers?: http.IncomingHttpHeaders;
  /** Why nothing was received. */
  readonly problem?: string;
}

/** After this time the caller hangs up: far beyond what the oracle allows, so that it sees how long it took. */
const HANG_UP_MS = 20_000;

/** A client of one process of the users API. */
export class Api {
  readonly #agent = new http.Agent({ keepAlive: true });

  constructor(readonly port: number) {}

  async request(method: string, path: string, body?: object): Promise<ApiAnswer> {
    const began = performance.now();
    const {
      headers = {},
      problem,
      status,
      text,
    } = await this.#send(method, path, body).catch((error: unknown): Received => ({
      status: 0,
      text: '',
      problem: String(error),
    }));
    return {
      kind: method === 'GET' ? 'read' : 'write',
      request: [method, path, problem].filter(Boolean).join(' '),
      began,
      ended: performance.now(),
      status,
      text,
      json: parse(text),
      next: /^<(.*)>; rel="next"$/.exec(String(headers['link']))?.[1],
      headers,
    };
  }

  close(): void {
    this.#agent.destroy();
  }

  async #send(method: string, path: string, body?: object): Promise<Received> {
    const outgoing = http.request({
      host: '127.0.0.1',
      port: this.port,
      method,
      path,
      agent: this.#agent,
      signal: AbortSignal.timeout(HANG_UP_MS),
      headers: body === undefined ? {} : { 'content-type': 'application/json' },
    });
    outgoing.end(body && JSON.stringify(body));
    const [response] = (await once(outgoing, 'response')) as [http.IncomingMessage];
    const { headers, statusCode: status = 0 } = response;
    return { status, text: await text(response), headers };
  }
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return null;
  }
}
