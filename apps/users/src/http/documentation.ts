import { randomUUID } from 'node:crypto';

import type { INestApplication } from '@nestjs/common';
import type { OpenAPIObject } from '@nestjs/swagger';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';

export const DOCUMENTATION_PATH = '/docs';

/** Serves OpenAPI for people at `/docs`, for tools at `/docs-json` and `/docs-yaml`. */
export function serveDocumentation(app: INestApplication): void {
  const description = new DocumentBuilder()
    .setTitle('Users API')
    .setDescription(
      'Users in a SQL database, with Redis as a cache beside it, through `nestjs-redis-data`. ' +
        '`X-Cache` says what the cache did. Without Redis the database answers.\n\n' +
        'Try `POST /users`, copy the `id` of its answer, and read it twice: `MISS`, then `HIT`. ' +
        'Errors are problems of [RFC 9457](https://www.rfc-editor.org/rfc/rfc9457).',
    )
    .setVersion('0.1.0')
    .addTag('users', 'The users, with and without the cache')
    .addTag('operations', 'The state of the application, for probes and Prometheus')
    .build();
  const create = () => SwaggerModule.createDocument(app, description);
  SwaggerModule.setup(DOCUMENTATION_PATH, app, create, {
    customSiteTitle: 'Users API',
    swaggerOptions: { tryItOutEnabled: true, displayRequestDuration: true },
    patchDocumentOnRequest: (request, _, document) =>
      isForPeople(request as FastifyRequest) ? withFreshEmail(document) : document,
  });
}

/** Whether Swagger UI requests the document, which is in a script of its page. */
function isForPeople({ url }: FastifyRequest): boolean {
  return url.endsWith('/swagger-ui-init.js');
}

/** The e-mail in the examples. */
const EXAMPLE_EMAIL = 'ada@example.com';

/** Gives each visit an e-mail of its own: the example is taken once it was sent. */
function withFreshEmail(document: OpenAPIObject): OpenAPIObject {
  const fresh = `ada-${randomUUID().slice(0, 8)}@example.com`;
  return JSON.parse(JSON.stringify(document).replaceAll(EXAMPLE_EMAIL, fresh)) as OpenAPIObject;
}
