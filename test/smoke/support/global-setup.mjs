import { execFileSync } from 'node:child_process';
import findRealRedis from '../../support/find-real-redis.cjs';

/** Builds what the smoke tests look at. Incremental: a second when nothing has changed. */
export default async function prepare() {
  execFileSync(process.execPath, ['tools/build.mjs'], { stdio: 'inherit' });
  await findRealRedis();
}
