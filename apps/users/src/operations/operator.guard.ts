import { createHash, timingSafeEqual } from 'node:crypto';

import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { Inject, Injectable, NotFoundException, UnauthorizedException } from '@nestjs/common';
import type { ConfigType } from '@nestjs/config';
import type { FastifyReply, FastifyRequest } from 'fastify';

import { appConfig } from '../config/app.config.js';

/** Lets in requests with the token of the operators. Without a token its routes do not exist. */
@Injectable()
export class OperatorGuard implements CanActivate {
  readonly #config: ConfigType<typeof appConfig>;

  constructor(@Inject(appConfig.KEY) config: ConfigType<typeof appConfig>) {
    this.#config = config;
  }

  canActivate(context: ExecutionContext): boolean {
    const { operatorToken } = this.#config;
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    if (operatorToken === undefined) {
      throw new NotFoundException(`Cannot ${request.method} ${request.url.split('?', 1)[0]}`);
    }
    if (isSame(request.headers.authorization ?? '', `Bearer ${operatorToken}`)) return true;
    void context.switchToHttp().getResponse<FastifyReply>().header('WWW-Authenticate', 'Bearer');
    throw new UnauthorizedException('The token of the operators is required');
  }
}

/** Takes as long for any text: of hashes, because their lengths are the same. */
function isSame(given: string, expected: string): boolean {
  const [one, other] = [given, expected].map((text) => createHash('sha256').update(text).digest());
  return timingSafeEqual(one as Buffer, other as Buffer);
}
