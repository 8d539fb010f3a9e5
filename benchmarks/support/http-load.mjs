/**
 * Makes HTTP load with little CPU: a load generator that needs as much CPU as the server measures itself.
 * It supports HTTP/1.1 answers with `Content-Length`, on connections that stay open.
 *
 * The load is open: requests are sent at random times with a fixed mean rate (a Poisson process), even if
 * earlier ones have no answer yet, like independent callers. A closed
 * load, in which each connection waits for its answer, slows down with the server and hides its queue
 * (https://www.usenix.org/legacy/event/nsdi06/tech/schroeder.html).
 */
import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { connect } from 'node:net';

const END_OF_HEADERS = Buffer.from('\r\n\r\n');
const LENGTH = Buffer.from('\r\ncontent-length: ');
const STATUS_AT = 'HTTP/1.1 '.length;
const CR = 13;
const ZERO = 48;

/** As many connections to the server at `port`, all of them accepted: each has had an answer. */
export async function openConnections(port, count) {
  const connections = [];
  while (connections.length < count) {
    const some = Array.from({ length: Math.min(32, count - connections.length) }, () =>
      Connection.open(port),
    );
    connections.push(...(await Promise.all(some)));
  }
  return connections;
}

/**
 * Sends `requests`, one after the other, for the given number of seconds. With a `rate` per second it is an open
 * load; without one each connection sends its next request when it has its answer.
 *
 * @returns how many were sent; how long each answer that was no refusal took, sorted, in milliseconds;
 *   and how many answers had each status
 */
export async function sendLoad(connections, requests, { seconds, rate }) {
  const accepted = [];
  const statuses = {};
  let sent = 0;
  let isOver = false;
  const idle = [...connections];
  const answered = (connection, status, ms) => {
    statuses[status] = (statuses[status] ?? 0) + 1;
    if (status >= 200 && status < 300) accepted.push(ms);
    if (rate === undefined && !isOver) send(connection);
    else idle.push(connection);
  };
  const send = (connection) => {
    connection.send(requests[sent++ % requests.length], answered);
  };

  const start = performance.now();
  const end = start + 1_000 * seconds;
  if (rate === undefined) {
    for (const connection of idle.splice(0)) send(connection);
    await pause(1_000 * seconds);
  } else {
    const meanGapMs = 1_000 / rate;
    let due = start;
    for (let now = start; now < end; now = performance.now()) {
      for (; due <= now && idle.length > 0; due += -Math.log(1 - Math.random()) * meanGapMs) {
        send(idle.shift());
      }
      // Without a free connection, a request is not sent.
      if (idle.length === 0) due = Math.max(due, now);
      await pause(1);
    }
  }
  isOver = true;
  const elapsed = (performance.now() - start) / 1_000;
  const inTime = accepted.length;
  while (idle.length < connections.length) await pause(5);
  return {
    sentPerSecond: sent / elapsed,
    acceptedPerSecond: inTime / elapsed,
    accepted: accepted.sort((a, b) => a - b),
    statuses,
  };
}

/** The bytes of a request. */
export function requestBytes({ method, path, body }) {
  const about = body
    ? `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n`
    : '';
  return Buffer.from(`${method} ${path} HTTP/1.1\r\nHost: localhost\r\n${about}\r\n${body ?? ''}`);
}

class Connection {
  #socket;
  #answered;
  #sentAt = 0;
  #status = 0;
  /** Bytes of the answer that have not come; none of it has been understood while it is `undefined`. */
  #missing;
  /** The beginning of an answer whose headers are not complete. */
  #head = Buffer.alloc(0);

  static async open(port) {
    const connection = new Connection();
    const socket = connect({ host: '127.0.0.1', port, noDelay: true });
    connection.#socket = socket;
    socket.on('data', (bytes) => {
      connection.#read(bytes);
    });
    socket.on('end', () => {
      throw new Error('the server has closed a connection');
    });
    await once(socket, 'connect');
    await new Promise((resolve) => {
      connection.send(requestBytes({ method: 'GET', path: '/health/live' }), resolve);
    });
    return connection;
  }

  send(bytes, answered) {
    this.#answered = answered;
    this.#sentAt = performance.now();
    this.#socket.write(bytes);
  }

  close() {
    this.#socket.destroy();
  }

  #read(bytes) {
    let body = bytes;
    if (this.#missing === undefined) {
      const head = this.#head.length === 0 ? bytes : Buffer.concat([this.#head, bytes]);
      const end = head.indexOf(END_OF_HEADERS);
      if (end < 0) {
        this.#head = head;
        return;
      }
      this.#head = Buffer.alloc(0);
      this.#status = Number(head.latin1Slice(STATUS_AT, STATUS_AT + 3));
      this.#missing = lengthIn(head);
      body = head.subarray(end + END_OF_HEADERS.length);
    }
    this.#missing -= body.length;
    if (this.#missing > 0) return;
    this.#missing = undefined;
    this.#answered(this, this.#status, performance.now() - this.#sentAt);
  }
}

function lengthIn(head) {
  let at = head.indexOf(LENGTH);
  if (at < 0) throw new Error(`an answer without a length:\n${head.toString().slice(0, 500)}`);
  let length = 0;
  for (at += LENGTH.length; head[at] !== CR; at++) length = 10 * length + head[at] - ZERO;
  return length;
}

function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
