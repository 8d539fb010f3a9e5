import { expect, it } from '@jest/globals';
import { maskSecrets, maskUrl } from './mask-secrets.js';

it.each([
  ['6379x', '6379x'],
  ['localhost:port', 'localhost:port'],
  ['1 hour', '1 hour'],
  [':hunter2@host', '***'],
  ['redis://me:hunter2@host', 'redis://***'],
  ['redis:/hunter2 host', 'redis:***'],
  ['http://host', '***'],
  ['UNIX://:hunter2@/path', 'UNIX://***'],
  ['x'.repeat(500), `${'x'.repeat(120)}...`],
])('prints the value %j as %j', (value, printed) => {
  expect(maskSecrets(value)).toBe(printed);
});

it.each([
  ['default:hunter2', '***'],
  ['hunter2', '***'],
  ['redis://:hunter2host:6379', 'redis://***'],
  ['redis://default:4711?x@host', 'redis://***'],
])('prints the URL %j as %j', (url, printed) => {
  expect(maskUrl(url)).toBe(printed);
});
