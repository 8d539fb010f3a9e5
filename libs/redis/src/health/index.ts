/**
 * @module health Health checks for `@nestjs/terminus` (an optional peer of this package).
 */
export { RedisHealthIndicator } from './redis.health-indicator.js';
export type {
  RedisHealthLimits,
  RedisHealthOfAllOptions,
  RedisHealthOptions,
} from './health-options.js';
