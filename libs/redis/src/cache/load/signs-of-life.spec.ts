import { expect, it } from '@jest/globals';
import { Heartbeat } from './signs-of-life.js';

it('A heartbeat that is stopped and started again beats no more often', async () => {
  const beats: number[] = [];
  let heartbeat: Heartbeat | undefined;
  const beaten = new Promise<void>((resolve) => {
    heartbeat = new Heartbeat(async (n) => {
      beats.push(n);
      resolve();
    }, 20);
  });
  for (let i = 0; i < 5; i++) {
    heartbeat?.start();
    heartbeat?.stop();
  }
  heartbeat?.start();
  await beaten; // further ones would come in the same turn
  heartbeat?.stop();
  expect(beats).toEqual([1]);
});
