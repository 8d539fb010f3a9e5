import { describe } from '@jest/globals';
import { contractSuites } from './support/contract-suites.js';
import { onCluster } from './support/repository-servers.js';

describe('RedisRepository keeps the contract', () => {
  onCluster((stage) => contractSuites(stage));
});
