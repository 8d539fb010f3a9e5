import { expect, it } from '@jest/globals';
import { startSentinel } from '../../src/testing/index.js';
import { sendCommand } from '../../src/testing/redis-command.js';
import { waitUntil } from '../../src/testing/wait-until.js';
import { describeWithRealRedis } from '../../../../test/support/real-redis.js';
import { addressesOf, untilReport, useHealthStage } from './support/health-stage.js';

const stage = useHealthStage();

describeWithRealRedis('RedisHealthIndicator behind sentinels', () => {
  it('is degraded on a server that is no longer the primary, and follows the next one', async () => {
    const topology = await stage.keep(startSentinel());
    const { name: sentinelName, primary, sentinels } = topology;
    const looked = await stage.open({ sentinels: addressesOf(sentinels), sentinelName });
    await untilReport(looked, { status: 'up', role: 'primary', replicas: 2 });

    await primary.kill();
    await untilReport(looked, { status: 'down' });
    await untilReport(looked, { status: 'up', role: 'primary' });

    let promoted = primary; // the client is faster than the sentinels
    await waitUntil('the sentinels have another primary', async () => {
      promoted = await topology.currentPrimary();
      return promoted !== primary;
    });
    const [other] = topology.replicas.filter((replica) => replica !== promoted);
    for (const sentinel of sentinels) await sentinel.stop(); // they would set it right
    await sendCommand(promoted, 'REPLICAOF', '127.0.0.1', String(other?.port));
    expect(await untilReport(looked, { status: 'degraded', role: 'replica' })).toMatchObject({
      reasons: expect.arrayContaining(['connected to a replica, not to a primary']),
    });
  });
});
