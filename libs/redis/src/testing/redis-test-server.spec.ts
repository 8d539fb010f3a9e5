import { expect, it } from '@jest/globals';
import { startTogether } from './redis-test-server.js';

it('stops the servers that have started if one of them does not start', async () => {
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
