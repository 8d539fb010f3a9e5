import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

import { afterAll, beforeAll, expect, it } from '@jest/globals';

import { startInChild } from './support/child.js';
import { describeWithPrometheus } from './support/describe-with-prometheus.js';
import { hurried, startPrometheus, type Prometheus } from './support/prometheus.js';
import { eventually } from './support/time.js';

/** Whether there is a Prometheus. */
async function isAnswering(url: string): Promise<boolean> {
  return fetch(`${url}/-/ready`).then(
    ({ ok }) => ok,
    () => false,
  );
}

describeWithPrometheus('the Prometheus of the tests', () => {
  let target: Server;
  let prometheus: Prometheus;
  let isUp = true;

  beforeAll(async () => {
    target = createServer((_request, response) => {
      response.writeHead(isUp ? 200 : 500).end('redis_connection_up{connection="default"} 1\n');
    }).listen(0, '127.0.0.1');
    await once(target, 'listening');
    prometheus = await startPrometheus(`127.0.0.1:${(target.address() as AddressInfo).port}`);
  });

  afterAll(async () => {
    await prometheus.stop();
    target.closeAllConnections();
    target.close();
  });

  it('scrapes what it is told to, under the name of the job in the repository', async () => {
    await eventually(async () => {
      expect(await prometheus.query('redis_connection_up')).toEqual([
        { metric: expect.objectContaining({ job: 'users-api', connection: 'default' }), value: 1 },
      ]);
      expect(await prometheus.criticalAlerts()).toEqual([]);
    });
  });

  it('fires the alerts of the repository after seconds instead of minutes', async () => {
    isUp = false;
    await eventually(async () => {
      expect(await prometheus.criticalAlerts()).toEqual(['ApiDown']);
    });
    isUp = true;
    await eventually(async () => {
      expect(await prometheus.criticalAlerts()).toEqual([]);
    });
  });

  it('says what is wrong with a query', async () => {
    await expect(prometheus.query('sum(')).rejects.toThrow(/^sum\(: .*parse error/);
  });

  it('runs its clock sixty times as fast', () => {
    expect(['15s', '5m', '1d'].map((duration) => hurried(duration))).toEqual([
      '250ms',
      '5000ms',
      '1440000ms',
    ]);
    expect(() => hurried('5 minutes')).toThrow('not a duration: 5 minutes');
  });

  it('dies with the process that started it, even on SIGKILL', async () => {
    const { child, url } = await startInChild(['startPrometheus']);
    expect(await isAnswering(url)).toBe(true);

    child.kill('SIGKILL');

    await eventually(async () => {
      expect(await isAnswering(url)).toBe(false);
    });
  });
});
