import { describe, expect, it } from '@jest/globals';

import { parseDatabaseUrl, schemeOf } from './database-url.js';

describe('parseDatabaseUrl', () => {
  it.each([
    ['postgres://db/users', 'PostgreSQL at db/users'],
    ['postgresql://me@db:5433/users', 'PostgreSQL at db:5433/users'],
    ['postgres://me:p%40ss%2Fword%23@db.example.com/users', 'PostgreSQL at db.example.com/users'],
    ['postgres://me:secret@[::1]:5432/users?sslmode=require', 'PostgreSQL at [::1]:5432/users'],
    ['POSTGRES://db/my%20users', 'PostgreSQL at db/my users'],
    [
      'postgres://db/users?sslmode=verify-full&sslrootcert=/ca.pem&sslcert=/me.pem&sslkey=/me.key',
      'PostgreSQL at db/users',
    ],
  ])('reads %s, and describes it without credentials', (url, description) => {
    expect(parseDatabaseUrl(url)).toEqual({ kind: 'postgres', url, description });
  });

  it.each([
    ['file:users.db', 'users.db'],
    ['file:.data/users.db', '.data/users.db'],
    ['file:/var/lib/users.db', '/var/lib/users.db'],
    ['file:///var/lib/my%20users.db', '/var/lib/my users.db'],
  ])('reads %s as the file %s', (url, path) => {
    expect(parseDatabaseUrl(url)).toEqual({
      kind: 'file',
      path,
      description: `SQLite in the file ${path}`,
    });
  });

  it('reads :memory: as a database that is gone at exit', () => {
    expect(parseDatabaseUrl(':memory:')).toMatchObject({ kind: 'file', path: ':memory:' });
  });

  it.each([
    ['another database', 'mysql://db/users'],
    ['a web address', 'https://db/users'],
    ['a path', '/var/lib/users.db'],
    ['a name', 'users'],
    ['no host', 'postgres:///users'],
    ['no database', 'postgres://db'],
    ['no name of a database', 'postgres://me:secret@db/'],
    ['a wrong port', 'postgres://db:99999/users'],
    ['a password with a hash', 'postgres://me:pa#ss@db/users'],
    ['a password that is a port with a hash', 'postgres://me:12#3@db/users'],
    ['a password with a slash', 'postgres://me:1/2@db/users'],
    ['a password with a question mark', 'postgres://me:1?2@db/users'],
    ['a password with a space', 'postgres://me:pa ss@db/users'],
    ['a password with a backslash', 'postgres://me:pa\\ss@db/users'],
    ['a line break', 'postgres://db/us\ners'],
    ['another host in a parameter', 'postgres://db/users?host=other'],
    ['a password in a parameter', 'postgres://db/users?password=hunter2'],
    ['a timeout in a parameter', 'postgres://db/users?sslmode=require&statement_timeout=0'],
    ['a parameter twice', 'postgres://db/users?sslmode=require&sslmode=disable'],
    ['a lonely percent sign', 'postgres://me:50%@db/users'],
    ['no file', 'file:'],
    ['a folder', 'file:.data/'],
    ['options of a file', 'file:users.db?mode=ro'],
    ['the file of another machine', 'file://server/users.db'],
  ])('refuses %s', (_, url) => {
    expect(parseDatabaseUrl(url)).toBeUndefined();
  });
});

describe('schemeOf', () => {
  it.each([
    ['mysql://me:hunter2@db', 'mysql:'],
    ['postgres://me:hunter2', 'postgres:'],
    ['hunter2', '(not a URL)'],
    ['', '(not a URL)'],
  ])('is all that is shown of %s', (url, shown) => {
    expect(schemeOf(url)).toBe(shown);
  });
});
