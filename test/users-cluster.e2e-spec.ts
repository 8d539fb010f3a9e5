import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { startCluster, type RedisTestCluster } from 'nestjs-redis-data/testing';

import { describeWithRealRedis } from './support/real-redis.js';
import { ADA, createUser, readAllUsers, startUsersApp, type UsersApp } from './users-app.js';

describeWithRealRedis('users API on a cluster', () => {
  let cluster: RedisTestCluster;
  let app: UsersApp;

  beforeAll(async () => {
    cluster = await startCluster({ replicas: false });
    const nodes = cluster.nodes.map(({ host, port }) => `${host}:${port}`);
    app = await startUsersApp({ REDIS_CLUSTER_NODES: nodes.join(), REDIS_STARTUP: 'wait' });
  });

  afterAll(async () => {
    await app.close();
    await cluster.stop();
  });

  it('creates, reads, changes and deletes a user', async () => {
    const user = await createUser(app);
    const url = `/users/${user.id}`;

    expect((await app.request('GET', url)).json).toEqual(user);
    const { json: changed } = await app.request('PATCH', url, { lastName: 'King' });
    expect(changed).toMatchObject({ id: user.id, firstName: 'Ada', lastName: 'King' });
    expect((await app.request('GET', url)).json).toEqual(changed);
    expect((await app.request('DELETE', url)).status).toBe(204);
    expect((await app.request('GET', url)).status).toBe(404);
    expect((await app.request('PATCH', url, { lastName: 'King' })).status).toBe(404);
  });

  it('gives an e-mail to one user only, and to another one when it is free again', async () => {
    const [{ id, email }, other] = [await createUser(app), await createUser(app)];
    const create = () => app.request('POST', '/users', { ...ADA, email });

    expect((await create()).status).toBe(409);
    expect((await app.request('PATCH', `/users/${other.id}`, { email })).status).toBe(409);
    await app.request('PATCH', `/users/${id}`, { email: `new-${email}` });
    const created = await create();
    expect(created.status).toBe(201);
    await app.request('DELETE', (created.headers as { location: string }).location);
    expect((await create()).status).toBe(201);
  });

  it('reads users that live on several nodes, in the order asked for', async () => {
    const users = [];
    for (let i = 0; i < 10; i++) users.push(await createUser(app));

    const ids = users.map(({ id }) => id);
    expect((await app.request('GET', `/users?ids=1,${ids.join()}`)).json).toEqual(users);
  });

  it('shows the users of every node page by page', async () => {
    const users = await Promise.all(Array.from({ length: 55 }, () => createUser(app)));

    const pages = await readAllUsers(app, '/users?limit=20');

    const seen = pages.flat().map(({ id }) => id);
    expect(seen).toEqual(expect.arrayContaining(users.map(({ id }) => id)));
  });
});
