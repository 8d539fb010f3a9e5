import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { once } from 'node:events';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';

import { startInChild } from './support/child.js';
import { describeWithPostgres } from './support/describe-with-postgres.js';
import { startPostgres, type PostgresTestServer } from './support/postgres.js';
import { openDatabase, queryOnce } from './support/test-database.js';
import { eventually } from './support/time.js';

describeWithPostgres('the PostgreSQL of the tests', () => {
  let server: PostgresTestServer;

  beforeAll(async () => {
    server = await startPostgres();
    await queryOnce(server.url, 'CREATE TABLE kept (id int)');
  });

  afterAll(async () => {
    await server.stop();
    await server.stop();
  });

  async function isAnswering(url = server.url): Promise<boolean> {
    return queryOnce(url, 'SELECT 1').then(
      () => true,
      () => false,
    );
  }

  it('lets in only those who know the password', async () => {
    const wrong = server.url.replace(/:[^:@/]+@/, ':wrong@');

    await expect(queryOnce(wrong, 'SELECT 1')).rejects.toMatchObject({ code: '28P01' });
  });

  it('ends all connections when it is killed, and starts again with its tables on the same port', async () => {
    const client = new Client({ connectionString: server.url });
    await client.connect();
    const gone = new Promise((resolve) => client.on('error', resolve));
    const { port } = server;

    await server.kill();
    await gone;
    expect(server.pid).toBeUndefined();
    expect(await isAnswering()).toBe(false);

    await server.restart();
    expect(server.port).toBe(port);
    expect(await queryOnce(server.url, 'SELECT * FROM kept')).toEqual([]);
  });

  it('keeps connections open and answers nothing while it is frozen', async () => {
    const client = new Client({ connectionString: server.url });
    await client.connect();

    server.freeze();
    const newcomer = connect(server.port, server.host);
    await once(newcomer, 'connect');
    let isAnswered = false;
    const answer = client.query('SELECT 1').then(() => (isAnswered = true));
    expect(processState(Number(server.pid))).toBe('T');
    expect(isAnswered).toBe(false);

    server.thaw();
    await answer;
    newcomer.destroy();
    await client.end();
  });

  it('dies with the process that started it, even on SIGKILL', async () => {
    const { child, url } = await startInChild(['startPostgres']);
    expect(await isAnswering(url)).toBe(true);

    child.kill('SIGKILL');

    await eventually(async () => {
      expect(await isAnswering(url)).toBe(false);
    });
  });

  it('speaks TLS with those who ask for it', async () => {
    const secure = await startPostgres({ tls: true, settings: { max_connections: '7' } });
    const client = new Client({
      connectionString: secure.url,
      ssl: { ca: String(secure.tls?.ca) },
    });
    await client.connect();

    const { rows } = await client.query('SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()');
    expect(rows).toEqual([{ ssl: true }]);
    expect((await client.query('SHOW max_connections')).rows).toEqual([{ max_connections: '7' }]);
    await client.end();
    await secure.stop();
  });

  describe('a database of a test file', () => {
    it('is empty, and goes when it is closed', async () => {
      const [one, other] = [await openDatabase(), await openDatabase()];
      await one.query('CREATE TABLE mine (id int)');

      await expect(other.query('SELECT * FROM mine')).rejects.toMatchObject({ code: '42P01' });
      await one.close();
      await expect(one.query('SELECT 1')).rejects.toThrow();
      await other.close();
    });
  });
});

function processState(pid: number): string | undefined {
  return /\) (\w)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1];
}
