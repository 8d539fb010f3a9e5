import { expect, it } from '@jest/globals';
import { listenedCache } from './support/cache-stage.js';
import { isAcquire, isCapture, isFill } from './support/cache-commands.js';
import { describeWithRealRedis, itSinceRedis7 } from '../../../../test/support/real-redis.js';
import { openConnection } from './support/open-connection.js';
import { recordCommands } from './support/record-commands.js';
import { onCluster, onOneServer, type Stage } from './support/repository-servers.js';

const NAMES = Array.from({ length: 20 }, (_, i) => `name-${i}`);
const SHARED = { tags: ['shared'] };

/** A cache whose scripts the server knows, and the scripts that it has sent since. */
async function recorded({ client, keys }: Pick<Stage, 'client' | 'keys'>) {
  const space = keys();
  const { cache, of } = listenedCache(client, space);
  await cache.getOrLoad('known', () => 1, SHARED);
  const { sent } = recordCommands(client);
  const scripts = () => sent.filter(({ name }) => name === 'evalsha').map(({ args }) => args);
  return { cache, of, scripts, space };
}

onOneServer((stage) => {
  it('takes the leases of one turn with one command, and stores the entries with one', async () => {
    const { cache, scripts } = await recorded(stage);
    const load = (name: string) => cache.getOrLoad(name, () => name, { tags: ['shared', name] });
    expect(await Promise.all(NAMES.map(load))).toEqual(NAMES);
    // On a busy machine there are signs of life, too.
    const steps = scripts().filter((args) => isAcquire(args) || isFill(args));
    expect(steps.map((args) => [isAcquire(args), isFill(args)])).toEqual([
      [true, false],
      [false, true],
    ]);
    const cached = NAMES.map((name) => cache.get(name, { tags: ['shared', name] }));
    expect(await Promise.all(cached)).toEqual(NAMES);
  });

  it('gives each of them its own answer', async () => {
    const { cache, scripts, space } = await recorded(stage);
    const other = listenedCache(await stage.open(), space).cache;
    await cache.getOrLoad('filled', () => 'filled', SHARED);
    let finish: (value: string) => void = () => undefined;
    const finished = new Promise<string>((resolve) => (finish = resolve));
    let begin: () => void = () => undefined;
    const begun = new Promise<void>((resolve) => (begin = resolve));
    const held = other.getOrLoad(
      'held',
      () => {
        begin();
        return finished;
      },
      SHARED,
    );
    await begun;
    const before = scripts().length;
    const reads = ['one', 'held', 'filled', 'two'].map((name) =>
      cache.resolve(name, () => `loaded ${name}`, SHARED),
    );
    expect(await Promise.all([reads[0], reads[2], reads[3]])).toMatchObject([
      { value: 'loaded one', status: 'miss' },
      { value: 'filled', status: 'hit' },
      { value: 'loaded two', status: 'miss' },
    ]);
    expect(scripts().slice(before).filter(isAcquire)).toHaveLength(1);
    finish('by the other');
    expect(await Promise.all([held, reads[1]])).toMatchObject([
      'by the other',
      { value: 'by the other' },
    ]);
  });

  it('sends large entries with commands of their own', async () => {
    const { cache, scripts } = await recorded(stage);
    const large = 'x'.repeat(200_000);
    await Promise.all([1, 2, 3].map((i) => cache.getOrLoad(['large', i], () => large)));
    expect(scripts().filter(isFill)).toHaveLength(3);
    expect(await cache.get(['large', 3])).toBe(large);
  });

  it('asks for no more with one command than a server answers at once', async () => {
    const { cache, scripts } = await recorded(stage);
    const keys = Array.from({ length: 300 }, (_, i) => ['many', i] as const);
    const load = (missing: typeof keys) => new Map(missing.map((key) => [key, key[1]]));
    const values = await cache.getOrLoadAll(keys, load, SHARED);
    expect([...values.values()]).toEqual(keys.map(([, i]) => i));
    expect(scripts().filter(isAcquire).length).toBeGreaterThan(1);
    expect(scripts().filter(isFill).length).toBeGreaterThan(1);
    expect((await cache.getOrLoadAll(keys, () => new Map<never, number>(), SHARED)).size).toBe(300);
  });
});

onCluster((stage) => {
  it('captures in a cluster what many loads depend on together for all that begin at once', async () => {
    const { cache, scripts } = await recorded(stage);
    const load = (name: string) => cache.getOrLoad(name, () => name, SHARED);
    expect(await Promise.all(NAMES.map(load))).toEqual(NAMES);
    // The nodes answer the reads one after the other, and the loads begin as they do.
    const captures = scripts().filter((args) => isCapture(args) && !isAcquire(args));
    expect(captures.length).toBeLessThan(NAMES.length / 2);
    const cached = NAMES.map((name) => cache.get(name, SHARED));
    expect(await Promise.all(cached)).toEqual(NAMES);
  });
});

describeWithRealRedis('A key that Redis refuses', () => {
  onOneServer((stage) => {
    itSinceRedis7('is felt by its own caller only', async () => {
      const space = stage.keys();
      const allowed = [space.key('cache', 'a'), space.key('cache', 'b')];
      const rights = allowed.flatMap((key) => [`~${key}`, `~{${key}}:lease`]);
      const user = [
        'SETUSER',
        'some',
        'reset',
        'on',
        '>secret',
        '%R~*',
        ...rights,
        '+@all',
      ] as const;
      await stage.client.call('ACL', ...user);
      const { host, port } = stage.client.options as { host: string; port: number };
      const { client, close } = await openConnection({
        host,
        port,
        username: 'some',
        password: 'secret',
      });
      try {
        const { cache, of } = listenedCache(client, space);
        const load = (name: string) => cache.resolve(name, () => name);
        const read = () => Promise.all(['a', 'refused', 'b'].map(load));
        expect(await read()).toMatchObject([
          { value: 'a', status: 'miss' },
          { value: 'refused', status: 'bypass' },
          { value: 'b', status: 'miss' },
        ]);
        expect(of('cache.failure').map(({ key }) => key)).toEqual([space.key('cache', 'refused')]);
        expect(await read()).toMatchObject([
          { status: 'hit' },
          { status: 'bypass' },
          { status: 'hit' },
        ]);
      } finally {
        await close();
      }
    });
  });
});
