import { getEventListeners } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { EntityId, KeyBuilder, RedisEntity, RedisRepository } from '../../src/index.js';
import { startFaultProxy, startRedis } from '../../src/testing/index.js';
import { describeWithRealRedis } from '../../../../test/support/real-redis.js';
import { caught } from './support/caught.js';
import { openConnection, type OpenConnection } from './support/open-connection.js';
import { onEveryTopology, onOneServer } from './support/repository-servers.js';

@RedisEntity({ kind: 'note' })
class Note {
  @EntityId() id!: string;
  text!: string;
}

@RedisEntity({ kind: 'label' })
class Label {
  @EntityId() id!: string;
}

const note = (n: number): Note => ({ id: `${n}`, text: `note ${n}` });
const idsTo = (count: number) => Array.from({ length: count }, (_, i) => `${i}`);

describe('Reads at the same time', () => {
  afterEach(() => {
    jest.restoreAllMocks();
  });

  onOneServer((stage) => {
    let keys: KeyBuilder;
    let notes: RedisRepository<Note>;
    beforeEach(async () => {
      keys = stage.keys();
      notes = new RedisRepository(stage.client, keys, Note);
      await notes.saveAll(idsTo(300).map((id) => note(Number(id))));
    });
    /** How many keys each command that was sent has. */
    const spyOnReads = () => {
      const { calls } = jest.spyOn(stage.client, 'sendCommand').mock;
      const sent = (name: string) =>
        calls.flatMap(([command]) => (command.name === name ? [command.args.length] : []));
      return { mget: () => sent('mget'), get: () => sent('get') };
    };

    it('travel as one MGET, each key once, also through different repositories', async () => {
      const labels = new RedisRepository(stage.client, keys, Label);
      await labels.save({ id: '1' });
      const { mget, get } = spyOnReads();
      const found = await Promise.all([
        notes.getById('1'),
        notes.getById('2'),
        notes.getByIdOrFail('1'),
        notes.getById('missing'),
        labels.getById('1'),
      ]);
      expect(found).toEqual([note(1), note(2), note(1), null, { id: '1' }]);
      expect(mget()).toEqual([4]);
      expect(get()).toEqual([]);
    });

    it('are two commands for 300 entities', async () => {
      const { mget, get } = spyOnReads();
      const found = await Promise.all(idsTo(300).map((id) => notes.getById(id)));
      expect(found).toEqual(idsTo(300).map((id) => note(Number(id))));
      expect(mget()).toEqual([256, 44]);
      expect(get()).toEqual([]);
    });

    it('give each caller an instance of its own', async () => {
      const [one, other] = await Promise.all([notes.getByIdOrFail('1'), notes.getByIdOrFail('1')]);
      expect(one).toEqual(other);
      expect(one).not.toBe(other);
    });

    it('do not join a command that has been sent', async () => {
      const { mget } = spyOnReads();
      const first = notes.getById('1');
      while (mget().length === 0) await new Promise(setImmediate);
      await Promise.all([first, notes.getById('1')]);
      expect(mget()).toHaveLength(2);
    });

    it('are one MGET for getAll of up to 500, whatever its order and duplicates', async () => {
      const { mget } = spyOnReads();
      const ids = ['3', 'missing', '1', '3', '2'];
      const found = await notes.getAll(ids);
      expect([...found]).toEqual([
        ['3', note(3)],
        ['1', note(1)],
        ['2', note(2)],
      ]);
      expect(mget()).toHaveLength(1);
      expect(await notes.getAll([])).toEqual(new Map());
      expect(mget()).toHaveLength(1);
      expect((await notes.getAll([...idsTo(300), ...idsTo(900)])).size).toBe(300);
      expect(mget()).toHaveLength(3);
    });
  });

  onEveryTopology((stage) => {
    it('see what was written before they began', async () => {
      const notes = stage.repository(Note);
      for (let n = 0; n < 50; n++) {
        const reading = notes.getById('1');
        await notes.save({ id: '1', text: `${n}` });
        expect((await notes.getById('1'))?.text).toBe(`${n}`);
        expect([`${n - 1}`, `${n}`]).toContain((await reading)?.text ?? '-1');
      }
    });

    it('give hundreds of entities in the order of their ids', async () => {
      const notes = stage.repository(Note);
      const ids = idsTo(700);
      await notes.saveAll(ids.map((id) => note(Number(id))));
      const shuffled = [...ids].sort((a, b) => (a.split('').reverse().join('') < b ? -1 : 1));
      expect([...(await notes.getAll(shuffled)).keys()]).toEqual(shuffled);
      const found = await Promise.all(shuffled.map((id) => notes.getById(id)));
      expect(found.map((entity) => entity?.id)).toEqual(shuffled);
    });
  });
});

describe('A caller with a timeout or a signal', () => {
  it('stops waiting alone, while others still wait', async () => {
    await using server = await startRedis();
    await using proxy = await startFaultProxy(server);
    const connection = await openConnection({ host: proxy.host, port: proxy.port });
    const keys = new KeyBuilder({ app: 'test', environment: 'waiting' });
    const notes = new RedisRepository(connection.client, keys, Note);
    await notes.save(note(1));
    proxy.stall();
    const abort = new AbortController();
    const reason = new Error('gone home');
    const patient = notes.getById('1');
    const bounded = notes.getById('1', { timeout: '10s', signal: new AbortController().signal });
    const impatient = caught(notes.getById('1', { timeout: '30ms' }));
    const aborted = caught(notes.getById('1', { signal: abort.signal, timeout: '10s' }));
    expect(await impatient).toMatchObject({
      name: 'RedisTimeoutException',
      operation: 'getById',
      key: keys.key('note', '1'),
      timeoutMs: 30,
    });
    abort.abort(reason);
    expect(await aborted).toBe(reason);
    expect(await caught(notes.getByIdOrFail('1', { signal: abort.signal }))).toBe(reason);
    const { signal } = new AbortController();
    const many = Array.from({ length: 40 }, () => notes.getById('1', { signal }));
    expect(getEventListeners(signal, 'abort')).toHaveLength(1); // at eleven Node warns of a leak
    await proxy.heal();
    expect(await Promise.all([patient, bounded, ...many])).toEqual(Array(42).fill(note(1)));
    expect(getEventListeners(signal, 'abort')).toEqual([]);
    await connection.close();
  });
});

describeWithRealRedis('A forbidden key', () => {
  let connection: OpenConnection;
  afterEach(() => connection.close());

  it('fails only for the caller that asks for it', async () => {
    await using server = await startRedis();
    const keys = new KeyBuilder({ app: 'test', environment: 'acl' });
    connection = await openConnection({ url: server.url });
    await new RedisRepository(connection.client, keys, Note).saveAll([note(1), note(2), note(3)]);
    const rules = [
      'on',
      '>secret',
      '+@all',
      ...['1', '3']
        .map((id) => keys.key('note', id))
        .flatMap((key) => [`~${key}`, `~${keys.sibling(key, 'version')}`]),
    ];
    await connection.client.acl('SETUSER', 'clerk', ...rules);
    await connection.close();
    const { host, port } = server;
    connection = await openConnection({ host, port, username: 'clerk', password: 'secret' });
    const notes = new RedisRepository(connection.client, keys, Note);
    const [one, two, three] = await Promise.allSettled(
      ['1', '2', '3'].map((id) => notes.getById(id)),
    );
    expect([one, three]).toEqual([
      { status: 'fulfilled', value: note(1) },
      { status: 'fulfilled', value: note(3) },
    ]);
    expect(two).toMatchObject({ reason: { name: 'RedisPermissionException' } });
    const failure = await caught(notes.getAll(['1', '2', '3']));
    expect(failure).toMatchObject({
      name: 'RedisBatchException',
      errors: new Map([['2', expect.objectContaining({ name: 'RedisPermissionException' })]]),
      results: new Map([
        ['1', note(1)],
        ['3', note(3)],
      ]),
    });
    const saving = caught(notes.saveAll([note(1), note(2), note(3)]));
    expect(await saving).toMatchObject({
      errors: new Map([['2', expect.objectContaining({ name: 'RedisPermissionException' })]]),
    });
    const deleting = caught(notes.deleteAll(['1', '2', '3']));
    expect(await deleting).toMatchObject({
      errors: new Map([['2', expect.objectContaining({ name: 'RedisPermissionException' })]]),
      results: new Map([
        ['1', true],
        ['3', true],
      ]),
    });
  });
});
