import type { AddressInfo } from 'node:net';

import { startRedis, type RedisTestServer } from 'nestjs-redis-data/testing';

import { startUsersApp, type UsersApp } from '../users-app.js';
import { captureLog, type LogLine } from './capture-log.js';
import { startPrometheus, type Prometheus } from './prometheus.js';
import { startTraffic } from './traffic.js';

/** The users API under load, with everything by which an operator sees how it is. */
export interface WatchedApp {
  readonly app: UsersApp;
  readonly server: RedisTestServer;
  readonly prometheus: Prometheus;
  /** Lines with this message since the last `forgetLog()`. */
  logged(message: string): LogLine[];
  /** How many lines with this message were not written because there had been one just before. */
  heldBack(message: string): number;
  forgetLog(): void;
  /** Status for a load balancer: 200 or 503. */
  health(): Promise<number>;
  /** The kinds of failures of Redis commands of the last five seconds. */
  failures(): Promise<string[]>;
  /** The state of the connection, as it was scraped. */
  connectionUp(): Promise<number | undefined>;
  close(): Promise<void>;
}

interface WatchOptions {
  /** By default short, so that an outage is noticed while Prometheus's fast clock has not gone far. */
  readonly commandTimeoutMs?: number;
  /** Of Prometheus's clock: see support/prometheus.ts. */
  readonly speed?: number;
}

/** Starts all of it, within about eight seconds. Lines of the log are not printed until it is closed. */
export async function startWatchedApp({
  commandTimeoutMs = 300,
  speed,
}: WatchOptions = {}): Promise<WatchedApp> {
  const log = captureLog();
  let forgotten = 0;
  const server = await startRedis();
  const app = await startUsersApp({
    REDIS_URL: server.url,
    REDIS_STARTUP: 'wait',
    REDIS_COMMAND_TIMEOUT: String(commandTimeoutMs),
    LOG_LEVEL: 'info',
  });
  const { port } = app.nest.getHttpServer().address() as AddressInfo;
  const prometheus = await startPrometheus(`127.0.0.1:${port}`, speed);
  const traffic = startTraffic({ port });
  const logged = (message: string): LogLine[] =>
    log
      .lines()
      .slice(forgotten)
      .filter(({ msg }) => msg === message);
  return {
    app,
    server,
    prometheus,
    logged,
    heldBack: (message) =>
      logged(message).reduce((sum, line) => sum + Number(line['held_back'] ?? 0), 0),
    forgetLog: () => {
      forgotten = log.lines().length;
    },
    health: async () => (await app.request('GET', '/health/ready')).status,
    failures: async () => {
      const failing = 'sum by (error) (rate(redis_command_errors_total[5s])) > 0';
      const kinds = await prometheus.query(failing);
      return kinds.map(({ metric }) => metric['error'] ?? '').sort();
    },
    connectionUp: async () => (await prometheus.query('redis_connection_up'))[0]?.value,
    close: async () => {
      await traffic.stop();
      await prometheus.stop();
      await app.close();
      await server.stop();
      log.release();
    },
  };
}
