/**
 * @module operations Routes for operators alone.
 */
import {
  BadRequestException,
  Controller,
  Get,
  Header,
  NotFoundException,
  Query,
  UseGuards,
} from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { getRedisCacheToken, RedisInvalidKeyException } from 'nestjs-redis-data';
import type { CacheExplanation, RedisCache } from 'nestjs-redis-data';

import { ExplainCacheQuery } from './explain-cache.query.js';
import { OperatorGuard } from './operator.guard.js';

@ApiTags('operations')
@ApiBearerAuth()
@UseGuards(OperatorGuard)
@Controller('operations')
export class OperationsController {
  readonly #moduleRef: ModuleRef;

  constructor(moduleRef: ModuleRef) {
    this.#moduleRef = moduleRef;
  }

  @Get('cache')
  @Header('Cache-Control', 'no-store')
  @ApiOperation({
    summary: 'Why a cache would find a value or load it',
    description:
      'With the token of the operators (`OPERATOR_TOKEN`). Contains keys, and no values.',
  })
  @ApiOkResponse({ schema: { type: 'object', additionalProperties: true } })
  async explain(@Query() { cache, key, tags }: ExplainCacheQuery): Promise<CacheExplanation> {
    try {
      return await this.#cacheOf(cache).explain(key, { tags });
    } catch (error) {
      if (error instanceof RedisInvalidKeyException) throw new BadRequestException(error.message);
      throw error;
    }
  }

  #cacheOf(name: string | undefined): RedisCache {
    try {
      return this.#moduleRef.get<RedisCache>(getRedisCacheToken(name), { strict: false });
    } catch {
      throw new NotFoundException('There is no cache with this name');
    }
  }
}
