/**
 * Failed connections name their cause, for each hop, topology and exception. A boot fails at once if waiting
 * would not help.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import {
  startCluster,
  startRedis,
  type RedisTestServer,
  type TlsMaterial,
} from 'nestjs-redis-data/testing';
import { describeWithRealRedis } from '../../../../test/support/real-redis.js';
import { connectionOf } from '../../src/connection/connection.js';
import { nodeOf } from '../../src/connection/driver/hash-slots.js';
import type { RedisModuleOptions } from '../../src/connection/options/options.js';
import { translateError } from '../../src/connection/driver/failures/translate-error.js';
import { RedisException } from '../../src/errors/redis.exception.js';
import { resolveHealthOptions } from '../../src/health/health-options.js';
import { lookAt } from '../../src/health/connection-health.js';
import {
  EntityId,
  KeyBuilder,
  RedisCache,
  RedisEntity,
  redisOptionsFromEnvironment,
  RedisRepository,
} from '../../src/index.js';
import { wordsOfDriverError } from '../../src/nest/logging/failure-words.js';
import { requireRedisServer } from '../../src/testing/find-redis-server.js';
import { startRealServer } from '../../src/testing/real-test-server.js';
import { generateTlsMaterial } from '../../src/testing/tls-material.js';
import { eventually, waitUntil } from '../../../../test/support/time.js';
import { caught } from './support/caught.js';
import { openConnection, type OpenConnection } from './support/open-connection.js';

const HOST = '127.0.0.1';
const NOWHERE = { host: HOST, port: 1 } as const;
/** Too long for any DNS: it is refused without a question to one. */
const NO_NAME = `${'a'.repeat(70)}.invalid`;

@RedisEntity({ kind: 'culprit' })
class Thing {
  @EntityId() id!: string;
}

let servers: Record<'plain' | 'guarded' | 'tls' | 'expired' | 'other' | 'mutual', RedisTestServer>;
let sentinel: RedisTestServer;
let folder: string;
const cleanups: (() => Promise<void>)[] = [];
const open: OpenConnection[] = [];

/** A server with a certificate of its own; `server.tls` is not what it uses. */
async function startTls(material: TlsMaterial, ...args: string[]): Promise<RedisTestServer> {
  const paths = await Promise.all(
    Object.entries(material).map(async ([name, text]) => {
      const path = join(folder, `${Math.random()}-${name}.pem`);
      await writeFile(path, String(text));
      return [name === 'ca' ? '--tls-ca-cert-file' : `--tls-${name}-file`, path];
    }),
  );
  return startRedis({ tls: true, args: [...paths.flat(), ...args] });
}

const good = generateTlsMaterial();
const expired = generateTlsMaterial({ validTo: new Date(Date.now() - 3_600_000) });
const other = generateTlsMaterial({ names: ['redis.example'], loopback: false });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'culprits-'));
  const { path: binary } = await requireRedisServer('culprits');
  const started = await Promise.all([
    startRedis({ args: [] }),
    startRedis({ password: 'right' }),
    startTls(good),
    startTls(expired),
    startTls(other),
    startTls(good, '--tls-auth-clients', 'yes'),
  ]);
  const [plain, guarded, tls, outdated, elsewhere, mutual] = started;
  servers = { plain, guarded, tls, expired: outdated, other: elsewhere, mutual };
  sentinel = await startRealServer({
    binary,
    args: () => ['--sentinel'],
    configFile: `sentinel monitor main ${HOST} ${guarded.port} 1\n`,
  });
  cleanups.push(...[...started, sentinel].map((server) => () => server.stop()));
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((connection) => connection.close()));
});
afterAll(async () => {
  await Promise.all(cleanups.map((cleanup) => cleanup()));
  await rm(folder, { recursive: true, force: true });
});

/** A connection that has failed to connect at least once. */
async function fail(options: RedisModuleOptions): Promise<OpenConnection> {
  const connection = await openConnection({
    startup: 'background',
    commandTimeout: '200ms',
    ...options,
  }).then(keep);
  await connection.until('connection.down');
  return connection;
}

function keep(connection: OpenConnection): OpenConnection {
  open.push(connection);
  return connection;
}

const at = (server: keyof typeof servers) => ({ host: HOST, port: servers[server].port });
const sentinelAt = () => ({ host: HOST, port: sentinel.port });

interface Case {
  readonly options: () => RedisModuleOptions;
  /** Matches the message of every exception. */
  readonly says: RegExp;
  /** Whether the boot fails at once, and with which exception. */
  readonly failsBoot?: 'RedisConnectionException' | 'RedisAuthenticationException';
}

const CASES: Readonly<Record<string, Case>> = {
  'an expired certificate': {
    options: () => ({ ...at('expired'), tls: { ca: expired.ca } }),
    says: /CERT_HAS_EXPIRED.*Renew the server's certificate/,
    failsBoot: 'RedisConnectionException',
  },
  'a certificate for another host': {
    options: () => ({ ...at('other'), tls: { ca: other.ca } }),
    says: /ERR_TLS_CERT_ALTNAME_INVALID.*tls\.servername/,
    failsBoot: 'RedisConnectionException',
  },
  'an authority that is not trusted': {
    options: () => ({ ...at('tls'), tls: true }),
    says: /SELF_SIGNED_CERT_IN_CHAIN.*REDIS_TLS_CA_FILE/,
    failsBoot: 'RedisConnectionException',
  },
  'plain text to a server that speaks TLS': {
    options: () => at('tls'),
    says: /ECONNRESET.*If it speaks only TLS/,
  },
  'TLS to a server that speaks plain text': {
    options: () => ({ ...at('plain'), tls: true, connectTimeout: '150ms' }),
    says: /ETIMEDOUT.*does not answer the TLS handshake/,
  },
  'a refused connection': {
    options: () => NOWHERE,
    says: /ECONNREFUSED.*Is the server running/,
  },
  'a host name that does not exist': {
    options: () => ({ host: NO_NAME }),
    says: /(ENOTFOUND|EAI_AGAIN).*The host name cannot be resolved/,
  },
  'a database that the server does not have': {
    options: () => ({ ...at('plain'), db: 99 }),
    says: /DB index is out of range.*REDIS_DB/,
    failsBoot: 'RedisConnectionException',
  },
  "a sentinel in a server's place": {
    options: sentinelAt,
    says: /REDIS_MODE_SENTINEL.*configure it as `sentinels`/,
    failsBoot: 'RedisConnectionException',
  },
  "a server in a sentinel's place": {
    options: () => ({ sentinels: [at('plain')], sentinelName: 'main' }),
    says: /to the sentinel at .*unknown command ['`]sentinel['`].*REDIS_SENTINELS/,
    failsBoot: 'RedisConnectionException',
  },
  'a name that the sentinels do not know': {
    options: () => ({ sentinels: [sentinelAt()], sentinelName: 'mian' }),
    says: /No such master with that name.*REDIS_SENTINEL_NAME/,
    failsBoot: 'RedisConnectionException',
  },
  'sentinels that refuse the connection': {
    options: () => ({ sentinels: [NOWHERE], sentinelName: 'main' }),
    says: /to the sentinel at 127\.0\.0\.1:1 \(ECONNREFUSED\)/,
  },
  'sentinels whose name does not exist': {
    options: () => ({ sentinels: [{ host: NO_NAME, port: 1 }], sentinelName: 'main' }),
    says: /to the sentinel at a{70}\.invalid.*(ENOTFOUND|EAI_AGAIN)/,
  },
  'credentials that the primary behind sentinels refuses': {
    options: () => ({ sentinels: [sentinelAt()], sentinelName: 'main', password: 'hunter2' }),
    says: /WRONGPASS|refused the credentials/,
    failsBoot: 'RedisAuthenticationException',
  },
  'a cluster that is none': {
    options: () => ({ clusterNodes: [at('plain')] }),
    says: /cluster support disabled.*`host` and `port`/,
    failsBoot: 'RedisConnectionException',
  },
  'a cluster of sentinels': {
    options: () => ({ clusterNodes: [sentinelAt()] }),
    says: /unknown command ['`]cluster['`].*configure it as `sentinels`/,
    failsBoot: 'RedisConnectionException',
  },
  'a cluster that refuses the connection': {
    options: () => ({ clusterNodes: [NOWHERE] }),
    says: /127\.0\.0\.1:1 \(ECONNREFUSED\)/,
  },
  'a cluster whose name does not exist': {
    options: () => ({ clusterNodes: [{ host: NO_NAME, port: 1 }] }),
    says: /ENOTFOUND|EAI_AGAIN/,
  },
  'a cluster whose authority is not trusted': {
    options: () => ({ clusterNodes: [at('tls')], tls: true }),
    says: /SELF_SIGNED_CERT_IN_CHAIN.*REDIS_TLS_CA_FILE/,
    failsBoot: 'RedisConnectionException',
  },
  'a cluster with an expired certificate': {
    options: () => ({ clusterNodes: [at('expired')], tls: { ca: expired.ca } }),
    says: /CERT_HAS_EXPIRED/,
    failsBoot: 'RedisConnectionException',
  },
  'plain text to a cluster that speaks TLS': {
    options: () => ({ clusterNodes: [at('tls')] }),
    says: /ECONNRESET.*If it speaks only TLS/,
  },
  'TLS to a cluster that speaks plain text': {
    options: () => ({ clusterNodes: [at('plain')], tls: true, connectTimeout: '150ms' }),
    says: /ETIMEDOUT.*does not answer the TLS handshake/,
  },
};

describeWithRealRedis('A connection that cannot be made names the culprit', () => {
  const names = Object.keys(CASES);
  let ofCommands: Record<string, Error>;
  let ofBoots: Record<string, readonly Error[]>;

  // At the same time, because each takes a while to fail.
  beforeAll(async () => {
    const failed = names.map(async (name) => {
      const { client } = await fail(optionsOf(name));
      const failOnce = async () => {
        const error = await caught(client.get('k'));
        return translateError(error) ?? error;
      };
      return [name, await untilItSays(name, failOnce)] as const;
    });
    ofCommands = Object.fromEntries(await Promise.all(failed));
    const boots = names.map(async (name) => {
      const { failsBoot } = CASES[name] ?? {};
      const startups = failsBoot ? (['wait', 'require'] as const) : (['require'] as const);
      const startupTimeout = failsBoot ? '20s' : '1500ms';
      const errors = startups.map((startup) => {
        const boot = { startup, startupTimeout, ...optionsOf(name) } as const;
        return untilItSays(name, () => caught(openConnection(boot)));
      });
      return [name, await Promise.all(errors)] as const;
    });
    ofBoots = Object.fromEntries(await Promise.all(boots));
  });

  /** A busy machine may be too slow for a server to say what is wrong: then it is asked again. */
  async function untilItSays(name: string, failOnce: () => Promise<Error>): Promise<Error> {
    let error = new Error('none');
    const isSaid = async () => {
      error = await failOnce();
      return CASES[name]?.says.test(textOf(error)) === true;
    };
    await waitUntil(`the culprit is named of ${name}`, isSaid).catch(() => undefined);
    return error;
  }

  function optionsOf(name: string): RedisModuleOptions {
    return CASES[name]?.options() ?? {};
  }

  describe.each(Object.entries(CASES))('%s', (name, { says, failsBoot }) => {
    it('in the exception of a command', () => {
      expect(ofCommands[name]).toBeInstanceOf(RedisException);
      expect(textOf(ofCommands[name])).toMatch(says);
    });

    it(failsBoot ? 'at once at boot' : 'at boot, when the time is over', () => {
      for (const error of ofBoots[name] ?? []) {
        expect(error.name).toBe(failsBoot ?? 'RedisConnectionException');
        expect(textOf(error)).toMatch(says);
        expect(error.message.includes('was not ready within 1500 ms')).toBe(!failsBoot);
      }
      expect.assertions(failsBoot ? 6 : 3);
    });
  });

  // By itself: of several clients at once, Redis tells some of another alert.
  it('and the client certificate if that is missing', async () => {
    const options: RedisModuleOptions = { ...at('mutual'), tls: { ca: good.ca } };
    const error = await caught(openConnection({ ...options, startupTimeout: '20s' }));
    expect(error).toMatchObject({
      name: 'RedisConnectionException',
      reason: expect.stringMatching(/^ERR_SSL_.*ALERT/),
      message: expect.stringContaining('REDIS_TLS_CERT_FILE'),
    });
  });

  it('and survives each further error of a socket', async () => {
    const { client } = await openConnection(at('plain')).then(keep);
    const { stream } = client as Redis;
    stream.emit('error', new Error('the first'));
    expect(() => stream.emit('error', new Error('another'))).not.toThrow();
    // Under load a refused certificate has one, in any of the connections of a cluster.
    const refused = { tls: true, connectTimeout: '1s', startupTimeout: '500ms' } as const;
    const openings = Array.from({ length: 10 }, (_, i) => {
      const target = i % 2 === 0 ? at('tls') : { clusterNodes: [at('tls')] };
      return caught(openConnection({ ...refused, ...target }));
    });
    for (const { name } of await Promise.all(openings)) {
      expect(name).toBe('RedisConnectionException');
    }
  });

  it('with the code as a field, and the error of the connection as the cause of the cause', async () => {
    const { client } = await fail({ ...at('tls'), tls: true, maxRetriesPerRequest: 0 });
    const error = await caught(client.get('k'));
    expect(translateError(error)).toMatchObject({
      name: 'RedisConnectionException',
      reason: 'SELF_SIGNED_CERT_IN_CHAIN',
      host: HOST,
      port: servers.tls.port,
      cause: error,
    });
    expect(error.cause).toMatchObject({ code: 'SELF_SIGNED_CERT_IN_CHAIN' });
  });

  it('in the error of a dedicated connection, and of an exhausted pool', async () => {
    const { pool } = await fail({
      ...at('tls'),
      tls: true,
      maxConnections: 1,
      acquireTimeout: '100ms',
    });
    const { client, release } = await pool.acquire();
    const error = await caught(client.get('k'));
    expect(translateError(error)?.message).toContain('SELF_SIGNED_CERT_IN_CHAIN');
    const exhausted = await caught(pool.acquire());
    expect(exhausted.name).toBe('RedisPoolExhaustedException');
    expect(exhausted.message).toContain('SELF_SIGNED_CERT_IN_CHAIN');
    release();
  });

  it('in a read whose timeout is shorter than that of a command', async () => {
    const { client } = await fail({ ...at('tls'), tls: true, commandTimeout: '10s' });
    const keys = new KeyBuilder({ app: 'culprits', environment: 'test' });
    const things = new RedisRepository(client, keys, Thing);
    const error = await caught(things.getById('1', { timeout: '50ms' }));
    expect(error.name).toBe('RedisTimeoutException');
    expect(error.message).toContain('SELF_SIGNED_CERT_IN_CHAIN');
  });

  it('in the log, and in the health report without the address', async () => {
    const { client, events } = await fail({ clusterNodes: [at('tls')], tls: true });
    const [event] = events;
    const error = event?.type === 'connection.down' ? event.error : undefined;
    if (!error) throw new Error('no error was announced');
    const { error: words } = wordsOfDriverError(error, { connection: 'default' });
    expect(words).toContain('SELF_SIGNED_CERT_IN_CHAIN');
    const health = await lookAt(connectionOf(client), resolveHealthOptions({}), { bypassed: [] });
    expect(health).toMatchObject({
      state: 'down',
      message: expect.stringMatching(/^not connected \(\w+, SELF_SIGNED_CERT_IN_CHAIN\)$/),
    });
  });

  it('and never a password', async () => {
    const { client } = await fail({
      sentinels: [sentinelAt()],
      sentinelName: 'main',
      password: 'hunter2',
    });
    const error = await caught(client.get('k'));
    for (let one: unknown = translateError(error); one instanceof Error; one = one.cause) {
      expect(`${one.message}${one.stack}${JSON.stringify(one)}`).not.toContain('hunter2');
    }
  });

  it('is forgotten once the server is reached', async () => {
    const { client, until } = await fail(NOWHERE);
    const server = servers.plain;
    Object.assign('options' in client ? client.options : {}, { port: server.port });
    await until('connection.ready');
    server.freeze();
    const late = translateError(await caught(client.get('k')));
    server.thaw();
    expect(late?.name).toBe('RedisTimeoutException');
    expect(late?.message).toMatch(/may be overloaded/);
  });
});

describeWithRealRedis('In a cluster without one of its nodes', () => {
  it('names that node to callers that need it, and not to callers of a slow node', async () => {
    await using cluster = await startCluster({ replicas: false });
    const [gone, slow] = cluster.nodes;
    if (!gone || !slow) throw new Error('no nodes');
    for (const { host, port } of cluster.nodes) {
      const { client } = await openConnection({ host, port }).then(keep);
      await client.call('CONFIG', 'SET', 'cluster-require-full-coverage', 'no');
    }
    const connection = await openConnection({
      clusterNodes: cluster.nodes,
      commandTimeout: '500ms',
      ioredisCluster: { retryDelayOnFailover: 5 },
    }).then(keep);
    const { client } = connection;
    const keys = new KeyBuilder({ app: 'culprits', environment: 'test' });
    const keyOn = async (port: number) => {
      const some = Array.from({ length: 100 }, (_, i) => keys.cacheKey('item', i));
      await Promise.all(some.map((key) => client.get(key)));
      const found = some.find((key) => nodeOf(client, key) === `${HOST}:${port}`);
      return found ?? '';
    };
    const [keyOfGone, keyOfSlow] = [await keyOn(gone.port), await keyOn(slow.port)];
    await gone.kill();
    await eventually(async () => {
      const missed = translateError(await caught(client.get(keyOfGone)));
      expect(missed?.message).toContain(
        `No connection to Redis at ${HOST}:${gone.port} (ECONNREFUSED)`,
      );
    });
    const cache = new RedisCache(client, keys, { onOutage: 'closed', timeout: '30ms' });
    const cached = (key: string) => caught(cache.get(key));
    expect(await cached(keyOfGone)).toMatchObject({
      name: 'RedisTimeoutException',
      message: expect.stringContaining('ECONNREFUSED'),
    });
    slow.freeze();
    const late = translateError(await caught(client.get(keyOfSlow)));
    const cachedLate = await cached(keyOfSlow);
    slow.thaw();
    for (const error of [late, cachedLate]) {
      expect(error?.message).toMatch(/may be overloaded/);
      expect(error?.message).not.toContain('ECONNREFUSED');
    }
  });
});

describeWithRealRedis('TLS files', () => {
  it('are read, and let the client connect', async () => {
    const names = ['ca', 'cert', 'key'] as const;
    const variables = names.map(async (name) => {
      const path = join(folder, `${name}.pem`);
      await writeFile(path, good[name]);
      return [`REDIS_TLS_${name.toUpperCase()}_FILE`, path];
    });
    const { host, port } = at('mutual');
    const options = redisOptionsFromEnvironment({
      REDIS_URL: `rediss://${host}:${port}`,
      ...(Object.fromEntries(await Promise.all(variables)) as Record<string, string>),
    });
    const { client } = await openConnection(options).then(keep);
    expect(await client.ping()).toBe('PONG');
  });
});

/** Refused credentials are named by the exception, and Redis's word for it is in its cause. */
function textOf(error: Error | undefined): string {
  return `${error?.message} ${String(error?.cause)}`;
}
