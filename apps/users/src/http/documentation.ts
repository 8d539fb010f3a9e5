import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';

/** OpenAPI for people at `/docs`, for tools at `/docs-json` and `/docs-yaml`. */
export function serveDocumentation(app: INestApplication): void {
  const description = new DocumentBuilder()
    .setTitle('Users API')
    .setDescription('Users kept in Redis through nestjs-redis-data. Errors are RFC 9457 problems.')
    .setVersion('0.1.0')
    .build();
  SwaggerModule.setup('docs', app, () => SwaggerModule.createDocument(app, description));
}
