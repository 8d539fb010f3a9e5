import { describe } from '@jest/globals';
import { contractSuites } from './support/contract-suites.js';
import { onEmbeddedServer } from './support/repository-servers.js';

describe('RedisRepository keeps the contract', () => {
  onEmbeddedServer(contractSuites);
});
