import { IsIn, IsPort, Matches } from 'class-validator';

import { TIME, TIME_ACCEPTED } from './time.js';

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

export type LogLevel = (typeof LOG_LEVELS)[number];

const LOG_FORMATS = ['auto', 'pretty', 'json'] as const;

const USERS_STORES = ['cached', 'sql', 'redis'] as const;

/** Where users are kept: in SQL with a cache in Redis, in SQL alone, or in Redis alone. */
export type UsersStore = (typeof USERS_STORES)[number];

/** The environment variables of the application, as text, with their defaults. */
export class AppVariables {
  @Matches(/^[\w.:%-]{1,253}$/, { message: 'a host name or an address to listen on' })
  HOST = '127.0.0.1';

  @IsPort({ message: 'a port from 1 to 65535, or 0 for any free port' })
  PORT = '3000';

  @IsIn(LOG_LEVELS, { message: `one of ${LOG_LEVELS.join(', ')}` })
  LOG_LEVEL: LogLevel = 'info';

  @IsIn(LOG_FORMATS, { message: `one of ${LOG_FORMATS.join(', ')}` })
  LOG_FORMAT: (typeof LOG_FORMATS)[number] = 'auto';

  @Matches(TIME, { message: TIME_ACCEPTED })
  HTTP_REQUEST_TIMEOUT = '10000';

  @Matches(TIME, { message: TIME_ACCEPTED })
  HTTP_MAX_QUEUE_TIME = '10';

  @Matches(/^[1-9]\d{0,5}$/, { message: 'a number from 1 to 999999' })
  HTTP_MAX_IN_FLIGHT = '1000';

  @IsIn(USERS_STORES, { message: `one of ${USERS_STORES.join(', ')}` })
  USERS_STORE: UsersStore = 'cached';

  @Matches(/^(0|[1-9]\d{5,11})$/, { message: '0 for none, or a number of bytes from 100000' })
  CACHE_NEAR_BYTES = '0';

  @Matches(TIME, { message: TIME_ACCEPTED })
  CACHE_NEAR_STALENESS = '500';

  @Matches(/^([\x21-\x7e]{32,256})?$/, { message: '32 to 256 visible ASCII characters' })
  OPERATOR_TOKEN = '';
}
