/**
 * The table of permissions in docs/guide/security.md: users that have what it says, and nothing else,
 * can do everything, and miss each line of it that is taken away.
 */
import { describe, expect, it } from '@jest/globals';
import { EntityId, KeyBuilder, RedisBatch, RedisEntity, RedisRepository } from '../../src/index.js';
import { repositoryContract, startCluster, startRedis } from '../../src/testing/index.js';
import { describeWithRealRedis } from '../../../../test/support/real-redis.js';
import { ACL_FEATURES, type AclTrial } from './support/acl-features.js';
import { useAclStage, type AclStage } from './support/acl-stage.js';
import { ACL_APP, readAclLine, readAclTable, rulesFor, type AclRow } from './support/acl-table.js';
import { Customer, customers } from './support/customer.js';

@RedisEntity({ kind: 'user' })
class Player {
  @EntityId({ type: String }) id!: string;
  points!: number;
}

const version = Number.parseFloat(process.env['REAL_REDIS_VERSION'] ?? '');
/** Redis 6 does not log which subcommand was refused, and 7.0 does not know this one. */
const SETINFO_AS_LOGGED = version < 7 ? ['client'] : version < 7.2 ? [] : ['client|setinfo'];

const table = readAclTable();
const rowsOf = (isOfCluster: boolean) =>
  table.filter(({ feature }) => feature.includes('cluster') === isOfCluster);

describe('the table of permissions', () => {
  it('has a row for each tested feature, and no others', () => {
    expect(table.map(({ feature }) => feature).sort()).toEqual(Object.keys(ACL_FEATURES).sort());
  });

  it('is summed up by the line below it', () => {
    const features = ['entities', 'indexes', 'unique values', 'cache', 'health', 'metrics'];
    const rules = new Set(features.flatMap((feature) => rulesFor(feature)));
    expect(readAclLine().sort()).toEqual([...rules].sort());
  });
});

describeWithRealRedis('A user with only the permissions of the guide', () => {
  describe('on one server', () => {
    const stage = useAclStage(async () => {
      const server = await startRedis();
      const { host, port } = server;
      return { options: { host, port }, stop: () => server.stop() };
    });

    tryEach(rowsOf(false), stage);

    it('may be forbidden to tell the name of ioredis, and works', async () => {
      const { connection } = await stage.openAs(rulesFor('batch'), {
        ioredis: { disableClientInfo: false },
      });
      const key = new KeyBuilder(ACL_APP).key('post', '1');
      expect(await new RedisBatch(connection.client).getAll([key])).toEqual(new Map());
      expect([...new Set(await stage.refusals())]).toEqual(SETINFO_AS_LOGGED);
    });

    it('gets an exception for the missing permission, and not a conflict, if it may write but not read', async () => {
      const keys = new KeyBuilder(ACL_APP);
      await stage.admin.set(keys.key('user', '1'), '{"id":"1","points":1}');
      const rules = rulesFor('entities').filter((rule) => rule !== '+get');
      const { connection } = await stage.openAs(rules);

      const updating = new RedisRepository(connection.client, keys, Player).update('1', {
        points: 2,
      });

      await expect(updating).rejects.toMatchObject({ name: 'RedisPermissionException' });
    });

    describe('with those of entities, indexes and unique values', () => {
      const ofCustomers = (rule: string) =>
        rule.replaceAll('user:', 'customer:').replaceAll(`:${ACL_APP.environment}`, ':*');
      const features = ['indexes', 'indexes with range', 'unique values'];
      const rules = features.flatMap((feature) => rulesFor(feature).map(ofCustomers));
      let spaces = 0;
      const open = async () => {
        const { connection } = await stage.openAs([...new Set(rules)]);
        const keys = new KeyBuilder({ ...ACL_APP, environment: `space${++spaces}` });
        return new RedisRepository(connection.client, keys, Customer);
      };

      it.each(repositoryContract<Customer>({ ...customers, open }))(
        'keeps the contract of repositories: $name',
        async ({ run }) => {
          await run();

          expect(await stage.refusals()).toEqual([]);
        },
      );
    });
  });

  describe('on a cluster', () => {
    const stage = useAclStage(async () => {
      const cluster = await startCluster({ replicas: false });
      const clusterNodes = cluster.nodes.map(({ host, port }) => ({ host, port }));
      return { options: { clusterNodes }, stop: () => cluster.stop() };
    });

    tryEach(rowsOf(true), stage);
  });
});

function tryEach(rows: readonly AclRow[], stage: AclStage): void {
  const tryFeature = (feature: string) => ACL_FEATURES[feature] as (trial: AclTrial) => unknown;
  const optionsFor = (feature: string) => (feature === 'other databases' ? { db: 1 } : {});

  it.each(rows)('can use $feature', async ({ feature }) => {
    await tryFeature(feature)(await stage.openAs(rulesFor(feature), optionsFor(feature)));

    expect(await stage.refusals()).toEqual([]);
  });

  it.each(rows)(
    'fails without any one of its permissions: $feature',
    async ({ feature, rules }) => {
      const notMissed: string[] = [];
      for (const rule of rules) {
        await stage.reset();
        const rest = rulesFor(feature).filter((one) => one !== rule);
        const isUsable = await stage
          .openAs(rest, { ...optionsFor(feature), startupTimeout: '1s' })
          .then(tryFeature(feature))
          .then(
            () => true,
            () => false,
          );
        if (isUsable && (await stage.refusals()).length === 0) notMissed.push(rule);
      }
      expect(notMissed).toEqual([]);
    },
  );
}
