import { expect, it } from '@jest/globals';
import { startTogether } from './server-group.js';

it('stops what has started when one of the group does not start', async () => {
  let started = 0;
  let stopped = 0;
  const start = () => {
    if (++started === 2) return Promise.reject(new Error('no port'));
    return Promise.resolve({
      stop: () => {
        stopped++;
        return Promise.resolve();
      },
    });
  };
  await expect(startTogether(3, start)).rejects.toThrow('no port');
  expect(stopped).toBe(2);
});
