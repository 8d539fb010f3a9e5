import { registerAs } from '@nestjs/config';
import { redisOptionsFromEnvironment } from '../connection/options/environment.js';

/**
 * The `REDIS_*` variables as a ready-made `@nestjs/config` namespace.
 *
 * @example
 * imports: [
 *   ConfigModule.forRoot({ isGlobal: true, load: [redisConfig] }),
 *   RedisModule.forRootAsync({ inject: [redisConfig.KEY], useFactory: (config) => config }),
 * ]
 *
 * The boot fails with RedisConfigurationException, which lists every problem, before any socket is opened.
 *
 * @publicApi
 */
export const redisConfig = registerAs('redis', () => redisOptionsFromEnvironment(process.env));
