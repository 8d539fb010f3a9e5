import {
  Controller,
  Get,
  Injectable,
  Module,
  Next,
  Redirect,
  Render,
  Res,
  Sse,
  UseFilters,
  UseInterceptors,
  Version,
  VersioningType,
  type INestApplication,
} from '@nestjs/common';
import { APP_INTERCEPTOR, ModuleRef, ModulesContainer, NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { WebSocketGateway } from '@nestjs/websockets';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { NEVER } from 'rxjs';
import type { RedisCache } from '../cache/redis-cache.js';
import { RedisCacheInterceptor } from './http-cache/redis-cache.interceptor.js';
import {
  filtersOn,
  gatewaysIn,
  globalInterceptorsOf,
  interceptorsOn,
  providersOf,
  requireKnownNest,
  sendsItself,
  setFilters,
  versioningOf,
  versionOf,
} from './nest-internals.js';

class Around {
  intercept(): typeof NEVER {
    return NEVER;
  }
}
class Filter {
  catch(): void {}
}

@Controller({ version: '1' })
@UseInterceptors(Around)
class Routes {
  @Get()
  @UseInterceptors(Map as never, Set as never)
  plain(): void {}
  @Get()
  @Version(['2', '3'])
  versioned(): void {}
  @Get()
  sent(@Res() response: unknown): unknown {
    return response;
  }
  @Get()
  passed(@Res({ passthrough: true }) response: unknown): unknown {
    return response;
  }
  @Get()
  next(@Next() next: unknown): unknown {
    return next;
  }
  @Sse()
  events(): typeof NEVER {
    return NEVER;
  }
  @Get()
  @Render('view')
  rendered(): void {}
  @Get()
  @Redirect('/')
  redirected(): void {}
}

type Route =
  'plain' | 'versioned' | 'sent' | 'passed' | 'next' | 'events' | 'rendered' | 'redirected';
const handlerOf = (route: Route): object => Routes.prototype[route];

describe("Nest's decorators", () => {
  it('store interceptors and versions where they are read', () => {
    expect(interceptorsOn(Routes)).toEqual([Around]);
    expect(interceptorsOn(handlerOf('plain'))).toEqual([Map, Set]);
    expect(interceptorsOn(handlerOf('versioned'))).toEqual([]);
    expect(versionOf(Routes, handlerOf('plain'))).toBe('1');
    expect(versionOf(Routes, handlerOf('versioned'))).toEqual(['2', '3']);
  });

  it.each<[Route, boolean]>([
    ['plain', false],
    ['versioned', false],
    ['passed', false],
    ['sent', true],
    ['next', true],
    ['events', true],
    ['rendered', true],
    ['redirected', true],
  ])('tell whether the handler "%s" sends its response itself: %s', (route, itself) => {
    expect(sendsItself(Routes, handlerOf(route), route)).toBe(itself);
  });

  const elsewhere = () => () => undefined;
  it.each<[string, object]>([
    ['@UseInterceptors()', { UseInterceptors: elsewhere }],
    ['@Version()', { Version: elsewhere }],
    ['@Res()', { Res: (options?: object) => (options ? Res(options as never) : elsewhere()) }],
    ['@Res({ passthrough: true })', { Res: () => Res() }],
    ['@Next()', { Next: elsewhere }],
    ['@Sse(), @Render(), @Redirect()', { Sse: elsewhere, Render: elsewhere, Redirect: elsewhere }],
  ])('fail the start if they are not read: %s', (names, changed) => {
    const nest = { Next, Redirect, Render, Res, Sse, UseInterceptors, Version, ...changed };
    expect(() => {
      requireKnownNest(nest);
    }).toThrow(`RedisCacheInterceptor=${names} of the installed @nestjs/common`);
  });

  it('fail the start of an application that caches responses if they are not read', () => {
    const original = Reflect.getMetadata;
    Reflect.getMetadata = () => undefined;
    try {
      expect(() => new RedisCacheInterceptor({} as RedisCache)).toThrow('@UseInterceptors()');
    } finally {
      Reflect.getMetadata = original;
    }
  });

  it('are those that this library knows', () => {
    expect(() => {
      requireKnownNest();
    }).not.toThrow();
  });
});

@WebSocketGateway()
@UseFilters(Filter)
class Gateway {}
class OtherGateway extends Gateway {}
@Injectable()
class NoGateway {}

@Module({
  controllers: [Routes],
  providers: [Gateway, NoGateway, { provide: APP_INTERCEPTOR, useClass: Around }],
})
class AppModule {}

describe("Nest's injector", () => {
  let app: INestApplication;
  let modules: ModuleRef;
  beforeAll(async () => {
    app = await NestFactory.create(AppModule, new FastifyAdapter(), { logger: false });
    modules = app.get(ModuleRef);
  });
  afterAll(() => app.close());

  it('tells the global interceptors', () => {
    const own = new Around();
    app.useGlobalInterceptors(own);
    const globals = globalInterceptorsOf(modules);
    expect(globals).toHaveLength(2);
    expect(globals).toEqual(expect.arrayContaining([own, expect.any(Around)]));
  });

  it('tells the versioning', () => {
    expect(versioningOf(modules)).toBe('none');
    app.enableVersioning({ type: VersioningType.HEADER, header: 'X-Version' });
    expect(versioningOf(modules)).toMatchObject({ type: VersioningType.HEADER });
  });

  it.each<[string, unknown]>([
    ['there is no container', undefined],
    ['the container is elsewhere', {}],
    ['the configuration is elsewhere', { container: {} }],
    ['the configuration has other methods', { container: { applicationConfig: {} } }],
  ])('tells neither if %s', (_, changed) => {
    expect(globalInterceptorsOf(changed as ModuleRef)).toBeUndefined();
    expect(versioningOf(changed as ModuleRef)).toBeUndefined();
  });

  it('tells the gateways among the providers', () => {
    const providers = providersOf(app.get(ModulesContainer));
    expect(providers.map(({ metatype }) => metatype)).toEqual(
      expect.arrayContaining([Gateway, NoGateway]),
    );
    expect(gatewaysIn(providers)).toEqual([Gateway]);
  });

  it('reads the filters of a class, and has them replaced', () => {
    expect(filtersOn(OtherGateway)).toEqual([Filter]);
    setFilters(OtherGateway, [Around, Filter]);
    expect([filtersOn(OtherGateway), filtersOn(Gateway)]).toEqual([[Around, Filter], [Filter]]);
    setFilters(OtherGateway, []);
    expect(filtersOn(OtherGateway)).toEqual([Filter]);
  });
});
