/**
 * @module health Health checks for `@nestjs/terminus` (an optional peer of this package).
 */
export { RedisHealthIndicator, type RedisHealthOptions } from './redis.health-indicator.js';
