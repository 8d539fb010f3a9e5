import { expect, it } from '@jest/globals';
import { describeWithRealRedis } from '../../../../test/support/real-redis.js';
import { askForColdKey, LOAD_TIMEOUT_MS, TIMEOUT_MS } from './support/cold-key.js';
import { SOON_MS } from '../../../../test/support/time.js';

const LOAD_MS = 300;
const FEW = { processes: 4, callers: 50, loadMs: LOAD_MS };

describeWithRealRedis('Processes that all ask for a key that is not cached', () => {
  it('load the value once', async () => {
    const { loads, answered } = await askForColdKey({ ...FEW, kill: false });
    expect({ loads, answered }).toEqual({ loads: 1, answered: 200 });
  });

  it('load the value once more if the loading process is killed', async () => {
    const { loads, answered, tookMs } = await askForColdKey({ ...FEW, kill: true });
    expect({ loads, answered }).toEqual({ loads: 2, answered: 150 });
    expect(tookMs).toBeLessThan(LOAD_TIMEOUT_MS + TIMEOUT_MS + LOAD_MS + SOON_MS);
  });
});
