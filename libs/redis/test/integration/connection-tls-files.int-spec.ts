import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { startRedis, type RedisTestServer } from 'nestjs-redis-data/testing';
import { describeWithRealRedis } from '../../../../test/support/real-redis.js';
import type { RedisConfigurationException } from '../../src/errors/redis-configuration.exception.js';
import type { RedisModuleOptions } from '../../src/connection/options/options.js';
import { redisOptionsFromEnvironment } from '../../src/connection/options/environment.js';
import { generateTlsMaterial, type TlsMaterial } from '../../src/testing/tls-material.js';
import { openConnection } from './support/open-connection.js';

let folder: string;
let files: { caFile: string; certFile: string; keyFile: string };
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tls-files-'));
  const [caFile, certFile, keyFile] = ['ca', 'cert', 'key'].map((name) => join(folder, name));
  files = { caFile: caFile ?? '', certFile: certFile ?? '', keyFile: keyFile ?? '' };
  replaceFiles(generateTlsMaterial());
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});
function replaceFiles({ ca, cert, key }: Partial<TlsMaterial>): void {
  if (ca !== undefined) writeFileSync(files.caFile, ca);
  if (cert !== undefined) writeFileSync(files.certFile, cert);
  if (key !== undefined) writeFileSync(files.keyFile, key);
}

describe('The environment variables of TLS files', () => {
  const variables = () => ({
    REDIS_TLS_CA_FILE: files.caFile,
    REDIS_TLS_CERT_FILE: files.certFile,
    REDIS_TLS_KEY_FILE: files.keyFile,
  });
  const sentinels = { REDIS_SENTINELS: 'a:1', REDIS_SENTINEL_NAME: 'm' };
  const refused = (env: Record<string, string>) => {
    try {
      redisOptionsFromEnvironment(env);
    } catch (error) {
      return (error as RedisConfigurationException).problems.map(({ setting }) => setting);
    }
    return [];
  };

  it('name the files for Redis and for the sentinels', () => {
    const { tls } = redisOptionsFromEnvironment({ REDIS_URL: 'rediss://h', ...variables() });
    expect(tls).toEqual(files);
    const both = { ...sentinels, ...variables(), REDIS_TLS: 'true', REDIS_SENTINEL_TLS: 'true' };
    expect(redisOptionsFromEnvironment(both)).toMatchObject({ tls: files, sentinelTls: files });
    const one = redisOptionsFromEnvironment({
      ...sentinels,
      ...variables(),
      REDIS_SENTINEL_TLS: 'true',
    });
    expect(one).toMatchObject({ tls: undefined, sentinelTls: files });
  });

  it('require TLS, and a key for each certificate', () => {
    const { REDIS_TLS_CA_FILE, REDIS_TLS_CERT_FILE, REDIS_TLS_KEY_FILE } = variables();
    const tls = { REDIS_TLS: 'true' };
    expect(refused({ REDIS_TLS_CA_FILE })).toEqual(['REDIS_TLS']);
    expect(refused({ REDIS_TLS: 'false', REDIS_TLS_CA_FILE })).toEqual(['REDIS_TLS']);
    expect(refused({ ...tls, REDIS_TLS_CERT_FILE })).toEqual(['REDIS_TLS_KEY_FILE']);
    expect(refused({ ...tls, REDIS_TLS_KEY_FILE })).toEqual(['REDIS_TLS_CERT_FILE']);
    replaceFiles({ key: generateTlsMaterial().key });
    expect(refused({ ...tls, ...variables() })).toEqual(['REDIS_TLS_KEY_FILE']);
    const both = { ...sentinels, ...variables(), ...tls, REDIS_SENTINEL_TLS: 'true' };
    expect(refused(both)).toEqual(['REDIS_TLS_KEY_FILE']);
  });
});

describeWithRealRedis('TLS files', () => {
  const cleanups: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  });
  async function start(args?: readonly string[]): Promise<RedisTestServer> {
    const server = await startRedis({ tls: true, ...(args && { args }) });
    cleanups.push(() => server.stop());
    return server;
  }
  async function connect(options: RedisModuleOptions) {
    const connection = await openConnection(options);
    cleanups.push(connection.close);
    return connection;
  }

  it('are read again at each attempt to connect', async () => {
    const { url, tls } = await start();
    const { caFile } = files;
    const connection = await connect({ url, startup: 'background', tls: { caFile } });
    await connection.until('connection.down');
    expect(connection.events).toMatchObject([
      { error: { code: expect.stringMatching(/^[A-Z_]+$/) } },
    ]);
    replaceFiles(tls ?? {});
    await connection.until('connection.ready');
    expect(await connection.client.ping()).toBe('PONG');
  });

  it('keep their last content while a certificate or a file is missing', async () => {
    const { url, tls } = await start(['--tls-auth-clients', 'yes']);
    replaceFiles(tls ?? {});
    const { client, until } = await connect({ url, tls: files });
    let connected = 1;
    const reconnect = async () => {
      (client as Redis).stream.destroy();
      await until('connection.ready', ++connected);
      expect(await client.ping()).toBe('PONG');
    };
    replaceFiles({ key: generateTlsMaterial().key });
    await reconnect();
    rmSync(files.certFile);
    await reconnect();
  });
});
