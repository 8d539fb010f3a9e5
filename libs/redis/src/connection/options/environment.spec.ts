import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { RedisConfigurationException } from '../../errors/redis-configuration.exception.js';
import { redisOptionsFromEnvironment } from './environment.js';

const failureOf = (env: Record<string, string>): RedisConfigurationException => {
  try {
    redisOptionsFromEnvironment(env);
  } catch (error) {
    return error as RedisConfigurationException;
  }
  throw new Error('was accepted');
};
const given = (env: Record<string, string>) =>
  Object.fromEntries(
    Object.entries(redisOptionsFromEnvironment(env)).filter(([, value]) => value !== undefined),
  );

describe('redisOptionsFromEnvironment', () => {
  const [ca = ''] = rootCertificates;
  const key = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' });
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'redis-env-'));
    for (const [name, pem] of Object.entries({ ca, cert: ca, key, none: 'no PEM' })) {
      writeFileSync(join(folder, `${name}.pem`), String(pem));
    }
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  it('leaves everything to the defaults when nothing is set', () => {
    expect(given({})).toEqual({});
    expect(given({ REDIS_HOST: '', REDIS_PORT: '  ' })).toEqual({});
  });

  it('reads every variable, in its customary unit', () => {
    const options = given({
      REDIS_URL: 'redis://other',
      REDIS_HOST: 'redis.internal',
      REDIS_PORT: '6380',
      REDIS_USERNAME: 'api',
      REDIS_PASSWORD: ' pass word ',
      REDIS_DB: '2',
      REDIS_TLS: 'true',
      REDIS_MAX_CONNECTIONS: '7',
      REDIS_CONNECT_TIMEOUT: '1500',
      REDIS_COMMAND_TIMEOUT: '2s',
      REDIS_DEFAULT_TTL: '90',
      REDIS_KEY_PREFIX: 'shop',
      REDIS_ENVIRONMENT: 'staging',
      REDIS_STARTUP: 'require',
      REDIS_EMBEDDED: 'off',
    });
    expect(options).toEqual({
      url: 'redis://other',
      host: 'redis.internal',
      port: 6380,
      username: 'api',
      password: ' pass word ',
      db: 2,
      tls: true,
      maxConnections: 7,
      connectTimeout: '1500ms',
      commandTimeout: '2s',
      defaultTtl: '90s',
      app: 'shop',
      environment: 'staging',
      startup: 'require',
    });
  });

  it('names the deployment after NODE_ENV unless it is told otherwise', () => {
    expect(given({ NODE_ENV: 'production' })).toEqual({ environment: 'production' });
    expect(given({ NODE_ENV: 'production', REDIS_ENVIRONMENT: 'eu' })).toEqual({
      environment: 'eu',
    });
  });

  it('refuses an address beside the list that would win over it, by its variable', () => {
    const { message } = failureOf({ REDIS_CLUSTER_NODES: 'a:1', REDIS_HOST: 'b', REDIS_PORT: '2' });
    expect(message).toMatch(/REDIS_HOST=b: no value beside clusterNodes.*\n.*REDIS_PORT=2: /);
  });

  it('reads lists of addresses', () => {
    expect(given({ REDIS_SENTINELS: 'a:1, [::1]:2', REDIS_SENTINEL_NAME: 'mymaster' })).toEqual({
      sentinels: [
        { host: 'a', port: 1 },
        { host: '::1', port: 2 },
      ],
      sentinelName: 'mymaster',
    });
    expect(given({ REDIS_CLUSTER_NODES: 'a:1' })).toEqual({
      clusterNodes: [{ host: 'a', port: 1 }],
    });
  });

  it.each([
    ['3600', '3600s'],
    ['15m', '15m'],
    ['forever', 'forever'],
  ])('reads REDIS_DEFAULT_TTL=%s', (value, defaultTtl) => {
    expect(given({ REDIS_DEFAULT_TTL: value })).toEqual({ defaultTtl });
  });

  it('reads what the sentinels want', () => {
    const options = given({
      REDIS_SENTINELS: 'a:1',
      REDIS_SENTINEL_NAME: 'm',
      REDIS_SENTINEL_USERNAME: 'watcher',
      REDIS_SENTINEL_PASSWORD: ' pass word ',
      REDIS_SENTINEL_TLS: 'false',
    });
    expect(options).toMatchObject({
      sentinelUsername: 'watcher',
      sentinelPassword: ' pass word ',
      sentinelTls: false,
    });
  });

  it('looks into the TLS files', () => {
    for (const name of ['no.pem', 'none.pem']) {
      const env = { REDIS_TLS: 'true', REDIS_TLS_CA_FILE: join(folder, name) };
      expect(failureOf(env).problems).toMatchObject([
        { setting: 'REDIS_TLS_CA_FILE', value: expect.stringContaining(join(folder, name)) },
      ]);
    }
  });

  it('refuses a key that is not that of the certificate', () => {
    const { problems } = failureOf({
      REDIS_URL: 'rediss://h',
      REDIS_TLS_CERT_FILE: join(folder, 'cert.pem'),
      REDIS_TLS_KEY_FILE: join(folder, 'key.pem'),
    });
    expect(problems.map(({ setting }) => setting)).toEqual(['REDIS_TLS_KEY_FILE']);
  });

  it('names the TLS file that is no PEM, and not what is in it', () => {
    const { message, problems } = failureOf({
      REDIS_URL: 'rediss://h',
      REDIS_TLS_CA_FILE: join(folder, 'none.pem'),
      REDIS_TLS_CERT_FILE: join(folder, 'cert.pem'),
      REDIS_TLS_KEY_FILE: join(folder, 'none.pem'),
    });
    expect(problems.map(({ setting }) => setting)).toEqual([
      'REDIS_TLS_CA_FILE',
      'REDIS_TLS_KEY_FILE',
    ]);
    expect(message).toContain(`REDIS_TLS_CA_FILE=${join(folder, 'none.pem')} (a text without`);
    expect(message).not.toContain('no PEM');
  });

  it('reports all problems at once: variable, value and what is accepted', () => {
    const { problems, message } = failureOf({
      REDIS_PORT: '70000',
      REDIS_DB: 'first',
      REDIS_TLS: 'yes',
      REDIS_HOST: 'localhost:6379',
      REDIS_COMMAND_TIMEOUT: '0',
      REDIS_CONNECT_TIMEOUT: '30d',
      REDIS_DEFAULT_TTL: '1 hour',
      REDIS_MAX_CONNECTIONS: '-1',
      REDIS_STARTUP: 'maybe',
      REDIS_EMBEDDED: 'perhaps',
      REDIS_SENTINEL_NAME: 'mymaster',
      REDIS_CLUSTER_NODES: 'a:1,b',
    });
    expect(problems.map(({ setting }) => setting).sort()).toEqual([
      'REDIS_CLUSTER_NODES',
      'REDIS_COMMAND_TIMEOUT',
      'REDIS_CONNECT_TIMEOUT',
      'REDIS_DB',
      'REDIS_DEFAULT_TTL',
      'REDIS_EMBEDDED',
      'REDIS_HOST',
      'REDIS_MAX_CONNECTIONS',
      'REDIS_PORT',
      'REDIS_SENTINELS',
      'REDIS_STARTUP',
      'REDIS_TLS',
    ]);
    expect(message).toContain('The Redis configuration has 12 problems:');
    expect(message).toContain('  - REDIS_PORT=70000: a port from 1 to 65535');
    expect(message).toContain('  - REDIS_SENTINELS is not set: ');
  });

  it.each([
    ['10.0.0.5:6380', 'a host name or IP address alone; give the port as REDIS_PORT'],
    ['redis://10.0.0.5', 'a host name or IP address alone; give a URL as REDIS_URL'],
    ['[::1]', 'a host name or IP address alone, without brackets'],
  ])('says what to do instead of REDIS_HOST=%s', (host, accepted) => {
    const { problems } = failureOf({ REDIS_HOST: host });
    expect(problems).toMatchObject([{ setting: 'REDIS_HOST', accepted }]);
  });

  it('reports problems between variables under the names of the variables', () => {
    const settings = (env: Record<string, string>) =>
      failureOf(env).problems.map(({ setting }) => setting);
    expect(settings({ REDIS_SENTINELS: 'a:1' })).toEqual(['REDIS_SENTINEL_NAME']);
    expect(settings({ REDIS_CLUSTER_NODES: 'a:1', REDIS_DB: '1' })).toEqual(['REDIS_DB']);
    expect(
      settings({ REDIS_CLUSTER_NODES: 'a:1', REDIS_SENTINELS: 'a:1', REDIS_SENTINEL_NAME: 'm' }),
    ).toEqual(['REDIS_CLUSTER_NODES']);
    expect(settings({ REDIS_SENTINEL_PASSWORD: 'x' })).toEqual(['REDIS_SENTINELS']);
    expect(
      settings({
        REDIS_TLS: 'true',
        REDIS_SENTINELS: 'a:1',
        REDIS_SENTINEL_NAME: 'm',
        REDIS_SENTINEL_PASSWORD: 'x',
      }),
    ).toEqual(['REDIS_SENTINEL_TLS']);
  });

  it('never prints a secret', () => {
    const { message } = failureOf({
      REDIS_URL: 'redis://api:hunter2@host:port',
      REDIS_PASSWORD: 'hunter2',
      REDIS_SENTINEL_PASSWORD: 'hunter2',
      REDIS_SENTINELS: 'redis://:hunter2@a:1',
      REDIS_HOST: 'redis://:hunter2@a:1',
    });
    expect(message).toContain('REDIS_URL=redis://***: ');
    expect(message).not.toContain('hunter2');
  });
});
