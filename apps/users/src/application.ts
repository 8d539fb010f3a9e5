import type { ConfigType } from '@nestjs/config';
import { ConfigModule } from '@nestjs/config';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';

import { AppModule } from './app.module.js';
import { appConfig } from './config/app.config.js';
import { checkEnvironment } from './config/environment.js';
import { serveDocumentation } from './http/documentation.js';
import { createHttpAdapter } from './http/http-adapter.js';
import { AppLogger } from './logging/app.logger.js';

/**
 * Starts the application on `HOST` and `PORT`, for `main.ts` and the end-to-end tests. If it cannot listen,
 * everything is closed again.
 *
 * @throws EnvironmentException listing every problem of the environment, before anything is connected or
 *   started
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
  app.get(AppLogger).log(`Listening on ${url}, documentation on ${url}/docs`, 'UsersApi');
  return app;
}

/**
 * How many connections may wait until they are accepted. Node's default of 511 is too few for an overload:
 * a client that finds the queue full tries again only after 1, 3 and 7 s.
 */
const LONGEST_BACKLOG = 4_096;

/** Makes the complete application, which does not listen yet. */
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
      // The caller reports a failed start once. Nest must not write its stack trace as well: the buffered
      // lines are released only when there is an application.
      bufferLogs: true,
      autoFlushLogs: false,
    },
  );
  app.useLogger(app.get(AppLogger));
  app.flushLogs();
  serveDocumentation(app);
  return app;
}
