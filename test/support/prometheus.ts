/**
 * Runs a real Prometheus for tests: with the repository's configuration and rules, sixty times as fast, on
 * a free loopback port. It ends with the test.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { stringify } from 'yaml';

import {
  startServerProcess,
  type ServerCommand,
  type ServerProcess,
} from '../../libs/redis/src/embedded/server-process.js';
import { waitUntil } from '../../libs/redis/src/testing/wait-until.js';
import { readAlertRules, readYaml } from './operations.js';

/**
 * A minute of production is a second here: `for`, and the ranges and offsets of the rules.
 * Rates stay per second. If a real event, such as a restart of Redis, must be short on this clock, a test
 * slows the clock down.
 */
const SPEED = 60;

/** Scrapes are no faster than this: each may take as long, or an API on a busy machine would be down. */
const SCRAPE_INTERVAL = '1500ms';

/** A series and its newest value. */
export interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Prometheus {
  readonly pid: number;
  readonly url: string;
  /** @throws Error with what Prometheus says, if it does not understand the query */
  query(expression: string): Promise<Sample[]>;
  /**
   * The names of the critical alerts that fire now, each once. What is slow is a warning, and on a
   * machine that runs other tests as well everything may be slow.
   */
  criticalAlerts(): Promise<string[]>;
  stop(): Promise<void>;
}

interface Configuration {
  readonly global: Readonly<Record<string, string>>;
  readonly scrape_configs: readonly { static_configs: { targets: readonly string[] }[] }[];
}

/**
 * Starts Prometheus and waits for its first scrape: five seconds, because its service discovery collects
 * targets for that time.
 *
 * @param target what to scrape instead of the API of docker-compose.yml, e.g. `127.0.0.1:3000`
 * @param speed how many seconds of production pass in one
 */
export async function startPrometheus(target: string, speed = SPEED): Promise<Prometheus> {
  const folder = await mkdtemp(join(tmpdir(), 'prometheus-'));
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    await writeFile(join(folder, 'alerts.yml'), stringify(hurriedRules(speed)));
    await writeFile(join(folder, 'prometheus.yml'), stringify(hurriedConfiguration(target, speed)));
    const process = await startOnFreePort({
      binary: 'prometheus',
      args: (port) => [
        `--config.file=${join(folder, 'prometheus.yml')}`,
        `--storage.tsdb.path=${join(folder, 'data')}`,
        `--web.listen-address=127.0.0.1:${port}`,
        '--scrape.discovery-reload-interval=100ms', // instead of five more seconds
      ],
      readyLine: /Server is ready to receive web requests/,
    });
    const prometheus = asPrometheus(process, remove);
    await waitUntil('Prometheus has a target', async () => {
      const targets = await prometheus.query('up');
      return targets.length > 0;
    });
    return prometheus;
  } catch (error) {
    await remove();
    throw error;
  }
}

/** `5m` as `5000ms`, and `15s` as `250ms`. */
export function hurried(duration: string, speed = SPEED): string {
  const units: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };
  const [, count, unit = ''] = /^(\d+)([smhd])$/.exec(duration) ?? [];
  const seconds = Number(count) * (units[unit] ?? Number.NaN);
  if (Number.isNaN(seconds)) throw new Error(`not a duration: ${duration}`);
  return `${Math.round((seconds * 1_000) / speed)}ms`;
}

function hurriedRules(speed: number): object {
  return {
    groups: readAlertRules().groups.map(({ name, rules }) => ({
      name,
      rules: rules.map((rule) => ({
        ...rule,
        for: hurried(rule.for, speed),
        expr: rule.expr
          .replace(/\[(\d+[smhd])\]/g, (_, range: string) => `[${hurried(range, speed)}]`)
          .replace(/offset (\w+)/g, (_, offset: string) => `offset ${hurried(offset, speed)}`),
      })),
    })),
  };
}

function hurriedConfiguration(target: string, speed: number): object {
  const { global, scrape_configs, ...others } = readYaml(
    'ops/prometheus/prometheus.yml',
  ) as Configuration;
  return {
    ...others,
    global: {
      ...Object.fromEntries(
        Object.entries(global).map(([name, duration]) => [name, hurried(duration, speed)]),
      ),
      scrape_interval: SCRAPE_INTERVAL,
    },
    scrape_configs: scrape_configs.map((config) => ({
      ...config,
      static_configs: [{ targets: [target] }],
    })),
  };
}

/** Prometheus complains about a taken port in other words than Redis. */
async function startOnFreePort(command: ServerCommand, attempts = 20): Promise<ServerProcess> {
  try {
    return await startServerProcess(command);
  } catch (error) {
    const isTaken = (error as Error).message.includes('address already in use');
    if (!isTaken || attempts === 1) throw error;
    return startOnFreePort(command, attempts - 1);
  }
}

function asPrometheus(process: ServerProcess, remove: () => Promise<void>): Prometheus {
  const url = `http://127.0.0.1:${process.port}`;
  const query = (expression: string): Promise<Sample[]> => ask(url, expression);
  return {
    pid: process.pid,
    url,
    query,
    criticalAlerts: async () => {
      const firing = 'ALERTS{alertstate="firing", severity="critical"}';
      const alerts = await query(`group by (alertname) (${firing})`);
      return alerts.map(({ metric }) => metric['alertname'] ?? '').sort();
    },
    stop: async () => {
      await process.kill(); // its data is not needed any more
      await remove();
    },
  };
}

interface Reply {
  readonly error?: string;
  readonly data?: {
    readonly resultType: 'scalar' | 'vector';
    readonly result: readonly { metric: Record<string, string>; value: [number, string] }[];
  };
}

async function ask(url: string, query: string): Promise<Sample[]> {
  const body = new URLSearchParams({ query });
  const response = await fetch(`${url}/api/v1/query`, { method: 'POST', body });
  const { data, error } = (await response.json()) as Reply;
  if (data?.resultType !== 'vector') throw new Error(`${query}: ${error ?? 'not a vector'}`);
  return data.result.map(({ metric, value: [, value] }) => ({ metric, value: Number(value) }));
}
