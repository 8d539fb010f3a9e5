import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { judgeServer, parseTopology, type Answers, type Expectations } from './server-answers.js';

const PRIMARY: Answers = {
  ping: 'PONG',
  memory: '# Memory\r\nused_memory:950\r\nmaxmemory:0\r\nmaxmemory_policy:noeviction\r\n',
  replication: '# Replication\r\nrole:master\r\nconnected_slaves:2\r\n',
};
const REPLICA = '# Replication\r\nrole:slave\r\nmaster_link_status:up\r\nslave_read_only:1\r\n';

/** An error reply of Redis, as ioredis makes it. */
function reply(message: string): Error {
  return Object.assign(new Error(message), { name: 'ReplyError' });
}

function judge(answers: Partial<Answers>, expected: Partial<Expectations> = {}) {
  return judgeServer(
    { ...PRIMARY, ...answers },
    { memoryThreshold: 0.9, replica: false, ...expected },
  );
}

function memory(used: number, max: number, policy = 'noeviction'): string {
  return `used_memory:${used}\r\nmaxmemory:${max}\r\nmaxmemory_policy:${policy}\r\n`;
}

describe('a server', () => {
  it('without maxmemory has no reason to be degraded, however much memory it uses', () => {
    expect(judge({})).toEqual({
      reasons: [],
      notChecked: [],
      memory: { usedBytes: 950, evicts: false },
      role: 'primary',
      replicas: 2,
    });
  });

  it.each([
    [899, 'noeviction', []],
    [900, 'noeviction', ['memory']],
    [1_200, 'noeviction', ['memory']],
    [900, 'volatile-lru', ['memory']],
    [1_000, 'allkeys-lru', []],
    [1_000, 'allkeys-lfu', []],
  ])(
    'that uses %d of 1000 bytes with the policy %s has the reasons %j',
    (used, policy, reasons) => {
      expect(judge({ memory: memory(used, 1_000, policy) })).toMatchObject({
        reasons,
        memory: { usedBytes: used, limitBytes: 1_000 },
      });
    },
  );

  it('is nearly full from the configured threshold on', () => {
    const half = { memory: memory(500, 1_000) };
    expect(judge(half, { memoryThreshold: 0.5 }).reasons).toEqual(['memory']);
    expect(judge(half, { memoryThreshold: 0.51 }).reasons).toEqual([]);
  });

  it('that is a replica is degraded, unless a replica was expected', () => {
    expect(judge({ replication: REPLICA })).toMatchObject({
      role: 'replica',
      reasons: ['replica'],
    });
    expect(judge({ replication: REPLICA }, { replica: true }).reasons).toEqual([]);
  });

  it('that is a replica without its primary is degraded, even if a replica was expected', () => {
    const replication = REPLICA.replace('status:up', 'status:down');
    expect(judge({ replication }, { replica: true }).reasons).toEqual(['replicaAlone']);
    expect(judge({ replication }).reasons).toEqual(['replica', 'replicaAlone']);
  });

  it.each([
    ['LOADING Redis is loading the dataset in memory', 'loading its data'],
    ['MASTERDOWN Link with MASTER is down', 'a replica that has lost its primary'],
    ['BUSY Redis is busy running a script.', 'busy with a script'],
    ['NOAUTH Authentication required.', 'the credentials were refused'],
    ['CLUSTERDOWN The cluster is down', 'the cluster is down'],
    ['ERR something else at 10.0.0.7:6379', 'the ping failed'],
  ])('that answers the ping with %j has a problem', (message, problem) => {
    expect(judge({ ping: reply(message) }).problem).toBe(problem);
  });

  it.each([
    ['Command timed out', 'no answer in time'],
    ['connect ECONNREFUSED 10.0.0.7:6379', 'the ping failed'],
    ['Connection is closed.', 'the ping failed'],
  ])('whose ping failed with %j has a problem that names no host', (message, problem) => {
    expect(judge({ ping: new Error(message) }).problem).toBe(problem);
  });

  it('that could not save its data is degraded, because it still answers reads', () => {
    const health = judge({ ping: reply('MISCONF Errors writing to the AOF file') });
    expect(health.reasons).toEqual(['notSaving']);
    expect(health.problem).toBeUndefined();
  });

  it('that forbids all commands is up, and lists what could not be checked', () => {
    const forbidden = reply("NOPERM this user has no permissions to run the 'x' command");
    const answers = { ping: forbidden, memory: forbidden, replication: forbidden };
    expect(judge({ ...answers, cluster: forbidden })).toEqual({
      reasons: [],
      notChecked: ['memory', 'replication', 'cluster'],
    });
  });

  it('of a cluster that is down has a problem', () => {
    const cluster =
      'cluster_state:fail\r\ncluster_slots_assigned:16384\r\ncluster_slots_ok:10922\r\n';
    expect(judge({ cluster })).toMatchObject({
      problem: 'the cluster is down',
      slotsNotServed: 5_462,
    });
  });

  it('of a cluster that has lost slots is degraded', () => {
    const cluster = 'cluster_state:ok\r\ncluster_slots_ok:16000\r\n';
    expect(judge({ cluster })).toMatchObject({ reasons: ['slots'], slotsNotServed: 384 });
    expect(judge({ cluster: 'cluster_state:ok\r\ncluster_slots_ok:16384\r\n' })).toMatchObject({
      reasons: [],
      slotsNotServed: 0,
    });
  });

  it('is judged by any answers without an exception', () => {
    const field = fc.constantFrom(
      ...['used_memory', 'maxmemory', 'maxmemory_policy', 'role', 'master_link_status'],
      ...['cluster_state', 'cluster_slots_ok', 'connected_slaves'],
    );
    const value = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('master', 'slave', 'up', 'down', 'ok', 'fail', '-1', '9'.repeat(40)),
      fc.bigInt({ min: 0n, max: 2n ** 70n }).map(String),
    );
    const text = fc
      .array(fc.tuple(field, value, fc.constantFrom('\r\n', '\n', '')))
      .map((lines) => lines.map(([key, text, end]) => `${key}:${text}${end}`).join(''));
    const answer = fc.oneof(text, fc.string({ unit: 'binary' }), fc.string().map(reply));
    const answers = fc.record({
      ping: answer,
      memory: answer,
      replication: answer,
      cluster: answer,
    });
    fc.assert(
      fc.property(answers, (given) => {
        const { slotsNotServed = 0, memory: use, notChecked, reasons } = judge(given);
        expect(slotsNotServed).toBeGreaterThanOrEqual(0);
        expect(slotsNotServed).toBeLessThanOrEqual(16_384);
        expect(use === undefined).toBe(notChecked.includes('memory'));
        if (reasons.includes('memory')) expect(use?.limitBytes).toBeGreaterThan(0);
        const { evicts = false, ...sizes } = use ?? {};
        expect([true, false]).toContain(evicts);
        for (const size of Object.values(sizes)) expect(size).toBeGreaterThanOrEqual(0);
      }),
    );
  });
});

const NODES = [
  'a1 10.0.0.1:7000@17000 myself,master - 0 0 1 connected 0-5460',
  'a2 10.0.0.2:7000@17000,redis-2.internal master - 0 1 2 connected 5461-10922',
  'a3 10.0.0.3:7000@17000 master,fail - 1 1 3 disconnected 10923-16383',
  'a4 10.0.0.4:7000@17000 slave,fail a1 1 1 1 disconnected',
  'a5 10.0.0.5:7000@17000 slave,fail? a2 1 1 1 connected',
  'a6 :0@0 slave,noaddr a2 1 1 1 disconnected',
];

describe('parseTopology', () => {
  it.each(['\n', '\r\n'])('reads lines that end in %j', (end) => {
    expect(parseTopology(NODES.map((line) => `${line}${end}`).join(''))).toEqual({
      failedNodes: 2,
      primaries: new Set(['10.0.0.1:7000', '10.0.0.2:7000', 'redis-2.internal:7000']),
    });
  });

  it('returns undefined for an error, and for another answer', () => {
    expect(parseTopology(new Error('NOPERM'))).toBeUndefined();
    expect(parseTopology('')).toBeUndefined();
    expect(parseTopology('OK')).toBeUndefined();
  });

  it('reads any text without an exception', () => {
    const line = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom(...NODES));
    fc.assert(
      fc.property(fc.array(line), (lines) => {
        const { failedNodes = 0 } = parseTopology(lines.join('\n')) ?? {};
        expect(failedNodes).toBeGreaterThanOrEqual(0);
      }),
    );
  });
});
