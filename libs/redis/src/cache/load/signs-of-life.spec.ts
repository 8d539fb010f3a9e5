import { expect, it } from '@jest/globals';
import { waitUntil } from '../../testing/wait-until.js';
import { Heartbeat } from './signs-of-life.js';

it('A heartbeat that is stopped and started again beats no more often', async () => {
  const beats: number[] = [];
  const heartbeat = new Heartbeat(async (n) => beats.push(n), 20);
  heartbeat.start();
  for (let i = 0; i < 5; i++) {
    heartbeat.stop();
    heartbeat.start();
  }
  await waitUntil('it beats', () => beats.length > 0); // late ones would beat in the same turn
  heartbeat.stop();
  expect(beats).toEqual([1]);
});
