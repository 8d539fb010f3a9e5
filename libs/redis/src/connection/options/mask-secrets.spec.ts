import { expect, it } from '@jest/globals';
import { maskSecrets } from './mask-secrets.js';

it.each([
  ['6379x', '6379x'],
  ['localhost:port', 'localhost:port'],
  ['redis://me:hunter2@host', 'redis://***@host'],
  ['redis://:hunt@er2@host', 'redis://***@host'],
  [':hunter2@host', '***@host'],
  ['redis://:hunter2host:6379', 'redis://***'],
  ['redis:/hunter2 host', 'redis:***'],
  ['http://host', 'http://host'],
  ['redis://host?password=hunter2', 'redis://host?***'],
  ['redis://me:hun?ter2@host', 'redis://***?***'],
  ['x'.repeat(500), `${'x'.repeat(120)}...`],
])('prints %j as %j', (value, printed) => {
  expect(maskSecrets(value)).toBe(printed);
});
