import type { ConfigType } from '@nestjs/config';
import { ConfigModule } from '@nestjs/config';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Logger } from 'nestjs-pino';

import { AppModule } from './app.module.js';
import { appConfig } from './config/app.config.js';
import { checkEnvironment } from './config/environment.js';
import { serveDocumentation } from './http/documentation.js';
import { createHttpAdapter } from './http/http-adapter.js';

/**
 * The application, listening on `HOST` and `PORT`: what `main.ts` and the end-to-end tests both use. If
 * it cannot listen, everything is closed again.
 *
 * @throws EnvironmentException listing everything that is wrong with the environment, before
 *   anything is connected or started
 */
export async function startApplication(): Promise<NestFastifyApplication> {
  const app = await createApplication();
  const { host, port } = app.get<ConfigType<typeof appConfig>>(appConfig.KEY);
  try {
    await app.listen({ port, host, backlog: LONGEST_BACKLOG });
  } catch (error) {
    await app.close();
    throw error;
  }
  const url = await app.getUrl();
  app.get(Logger).log(`Listening on ${url}, documentation on ${url}/docs`, 'UsersApi');
  return app;
}

/**
 * How many connections may wait until they are accepted. Node's own 511 are fewer than an overload has,
 * and whoever comes to a full queue tries again after 1, 3 and 7 s.
 */
const LONGEST_BACKLOG = 4_096;

/** Complete, but not listening. */
async function createApplication(): Promise<NestFastifyApplication> {
  await ConfigModule.envVariablesLoaded;
  checkEnvironment(process.env);
  const config = appConfig();
  const app = await NestFactory.create<NestFastifyApplication>(
    AppModule.with(config),
    createHttpAdapter(config),
    {
      abortOnError: false,
      bodyParser: false,
      // A failed start is reported once, by whoever called us, and not also as a stack trace: the
      // buffered lines are released only when there is an application.
      bufferLogs: true,
      autoFlushLogs: false,
    },
  );
  app.useLogger(app.get(Logger));
  app.flushLogs();
  serveDocumentation(app);
  return app;
}
