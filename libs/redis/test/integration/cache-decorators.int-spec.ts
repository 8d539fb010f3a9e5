import { Controller, Get, Inject, Injectable, Module, Scope, SetMetadata } from '@nestjs/common';
import { REQUEST } from '@nestjs/core';
import { Test, type TestingModule } from '@nestjs/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import {
  Cached,
  cacheKeyOf,
  getRedisCacheToken,
  InvalidatesCache,
  RedisModule,
  type RedisBatchException,
  type RedisCache,
  type RedisModuleAsyncOptions,
} from 'nestjs-redis-data';
import { msgpackSerializer } from 'nestjs-redis-data/msgpack';
import { startRedis, type RedisTestServer } from 'nestjs-redis-data/testing';
import {
  EMPTY,
  firstValueFrom,
  lastValueFrom,
  Observable,
  of,
  Subject,
  throwError,
  toArray,
} from 'rxjs';
import { caught } from './support/caught.js';

interface Post {
  id: number;
  title: string;
}

@Injectable()
class Posts {
  calls = 0;
  titles = new Map([[1, 'One']]);

  @Cached({ ttl: '1m', tags: (id: number) => ['posts', `post-${id}`] })
  async find(id: number): Promise<Post | null> {
    this.calls++;
    const title = this.titles.get(id);
    return title === undefined ? null : { id, title };
  }

  @Cached({ serializer: msgpackSerializer })
  async releasedAt(id: number): Promise<Date> {
    this.calls++;
    return new Date(id);
  }

  @Cached({ negativeTtl: '1m' })
  async findOptional(id: unknown, options?: { a?: number; b?: number }): Promise<null> {
    this.calls += [id, options].length / 2;
    return null;
  }

  @Cached()
  async failing(): Promise<never> {
    this.calls++;
    throw new TypeError(`call ${this.calls}`);
  }

  @Cached()
  async author(id: number): Promise<Post | null> {
    return this.withAuthor(id);
  }

  @Cached()
  async withAuthor(id: number): Promise<Post | null> {
    return this.author(id);
  }

  @Cached()
  async dated(): Promise<{ readonly at: Date }[]> {
    return [{ at: new Date(++this.calls) }];
  }

  @Cached()
  watch(id: number): Observable<string> {
    this.calls++;
    return of('first', `last of ${id}`);
  }

  @Cached({ negativeTtl: '1m' })
  nothing(): Observable<string> {
    this.calls++;
    return EMPTY;
  }

  @Cached()
  broken(): Observable<string> {
    return throwError(() => new TypeError(`call ${++this.calls}`));
  }

  @Cached({ returns: 'observable' })
  aliased(): Stream {
    this.calls++;
    return of('x');
  }

  @Cached({ returns: 'promise' })
  misdeclared(): Stream {
    return of('x');
  }

  @InvalidatesCache({ tags: (post: Post) => [`post-${post.id}`] })
  async rename(id: number, title: string): Promise<Post> {
    this.titles.set(id, title);
    return { id, title };
  }

  @InvalidatesCache({ tags: ['posts'] })
  @InvalidatesCache({
    keys: (_: unknown, id: number) => [['Posts.find', cacheKeyOf([id])]],
    cache: 'reports',
  })
  async clear(id: number): Promise<void> {
    this.titles.delete(id);
  }

  @InvalidatesCache({ keys: (_: unknown, id: number) => [['Posts.find', cacheKeyOf([id])]] })
  async forget(id: number): Promise<void> {
    this.titles.delete(id);
  }

  @InvalidatesCache({
    tags: (_: unknown, id: number) => ['posts', `post-${id}`],
    keys: (_: unknown, id: number) => [['Posts.find', cacheKeyOf([id])], 'other'],
  })
  async purge(id: number): Promise<void> {
    this.titles.delete(id);
  }

  @InvalidatesCache({ tags: ['posts'] })
  async failToWrite(): Promise<void> {
    throw new TypeError('not written');
  }

  @InvalidatesCache({
    when: 'around',
    tags: (id: number) => [`post-${id}`],
    keys: (id: number) => [['other', id]],
  })
  async renameAround(id: number, title: string): Promise<Post> {
    this.titles.set(id, title);
    this.readInside = await this.find(id);
    if (title === '') throw new TypeError('half written');
    return { id, title };
  }

  @InvalidatesCache({ when: 'around', tags: ['posts'] })
  renameAround$(id: number, title: string): Observable<Post> {
    this.titles.set(id, title);
    return of({ id, title }, { id, title: 'last' });
  }

  readInside: Post | null = null;

  readonly writes = new Subject<Post>();

  @InvalidatesCache({ tags: (post: Post) => [`post-${post.id}`] })
  write$(): Observable<Post> {
    return this.writes;
  }
}

type Stream = Observable<string>;

@Injectable()
class Titles {
  calls = 0;

  @Cached({ key: (post: { id: number }) => ['by-id', post.id], name: 'titles' })
  async of(post: { id: number; other: () => void }): Promise<string> {
    return `${post.id} ${++this.calls}`;
  }
}

@Injectable()
class OtherPosts extends Posts {}

let server: RedisTestServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());

const apps: TestingModule[] = [];
afterEach(async () => {
  await Promise.all(apps.splice(0).map((app) => app.close()));
});

type Providers = NonNullable<Parameters<typeof Test.createTestingModule>[0]['providers']>;

let spaces = 0;
const options = () => ({
  url: server.url,
  app: `dec${++spaces}`,
  environment: 'test',
  startup: 'wait' as const,
  cache: { timeout: '5s' as const }, // a busy machine is no outage
});

async function boot(
  providers: Providers,
  root = RedisModule.forRoot(options()),
  imports: NonNullable<RedisModuleAsyncOptions['imports']> = [],
) {
  @Module({ providers })
  class FeatureModule {}
  const app = await Test.createTestingModule({
    imports: [root, RedisModule.forCache('reports'), FeatureModule, ...imports],
  }).compile();
  await app.init();
  apps.push(app);
  return app;
}

async function bootPosts(): Promise<Posts> {
  return (await boot([Posts])).get(Posts, { strict: false });
}

describe('@Cached', () => {
  it('calls a method once for the same arguments', async () => {
    const posts = await bootPosts();
    expect(await posts.find(1)).toEqual({ id: 1, title: 'One' });
    expect(await posts.find(1)).toEqual({ id: 1, title: 'One' });
    expect(posts.calls).toBe(1);
    await posts.find(2);
    expect(posts.calls).toBe(2);
  });

  it('stores results with its own serializer', async () => {
    const posts = (await boot([Posts])).get(Posts, { strict: false });
    const found = [await posts.releasedAt(5), await posts.releasedAt(5)];
    expect([found, posts.calls]).toEqual([[new Date(5), new Date(5)], 1]);
  });

  it('calls the method once for fifty concurrent callers', async () => {
    const posts = await bootPosts();
    const found = await Promise.all(Array.from({ length: 50 }, () => posts.find(1)));
    expect(found).toEqual(Array.from({ length: 50 }, () => ({ id: 1, title: 'One' })));
    expect(posts.calls).toBe(1);
  });

  it('distinguishes arguments by type, and not by the order of properties', async () => {
    const posts = await bootPosts();
    await posts.findOptional(1, { a: 1, b: 2 });
    await posts.findOptional(1, { b: 2, a: 1 });
    expect(posts.calls).toBe(1);
    await posts.findOptional('1', { a: 1, b: 2 });
    await posts.findOptional(1);
    await posts.findOptional(null);
    await posts.findOptional(undefined);
    expect(posts.calls).toBe(5);
  });

  it('remembers a null for negativeTtl only', async () => {
    const posts = await bootPosts();
    expect([await posts.find(9), await posts.find(9)]).toEqual([null, null]);
    expect(posts.calls).toBe(2);
    expect([await posts.findOptional(9), await posts.findOptional(9)]).toEqual([null, null]);
    expect(posts.calls).toBe(3);
  });

  it('needs the option key for arguments from which it cannot make a key', async () => {
    const app = await boot([Posts, Titles]);
    const titles = app.get(Titles, { strict: false });
    const other = () => undefined;
    expect(await titles.of({ id: 1, other })).toBe('1 1');
    expect(await titles.of({ id: 1, other })).toBe('1 1');
    const cache = app.get<RedisCache>(getRedisCacheToken(), { strict: false });
    expect(await cache.get(['titles', 'by-id', 1])).toBe('1 1');
    const posts = app.get(Posts, { strict: false });
    const failure = await caught(posts.findOptional(other));
    expect(failure.message).toMatch(/argument 1 contains a function; give `key`/);
    // It is the program that is wrong: over HTTP this is a 500, and a malformed id is a 400.
    expect(failure).toHaveProperty('code', 'REDIS_CONFIGURATION');
  });

  it('refuses a result that would not come back equal, and names its path', async () => {
    const posts = await bootPosts();
    for (let i = 0; i < 2; i++) {
      const error = await caught(posts.dated());
      expect(error).toMatchObject({ name: 'RedisSerializationException', path: '$[0].at' });
    }
    expect(posts.calls).toBe(2);
  });

  it('passes on the error of the method, each time', async () => {
    const posts = await bootPosts();
    expect(await caught(posts.failing())).toEqual(new TypeError('call 1'));
    expect(await caught(posts.failing())).toEqual(new TypeError('call 2'));
  });

  it('rejects at once if two methods ask for each other', async () => {
    const posts = await bootPosts();
    expect(await caught(posts.author(1))).toMatchObject({
      name: 'RedisLoadCycleException',
      path: ['author', 'withAuthor', 'author'].map((name) => expect.stringContaining(`.${name}:`)),
    });
  });

  it('returns the last value of an Observable, which is subscribed only on a miss', async () => {
    const posts = await bootPosts();
    const seen: string[] = [];
    for (let i = 0; i < 2; i++) {
      await lastValueFrom(posts.watch(1)).then((value) => seen.push(value));
    }
    expect(seen).toEqual(['last of 1', 'last of 1']);
    expect(posts.calls).toBe(1);
    posts.watch(2);
    expect(posts.calls).toBe(1);
    expect(await lastValueFrom(posts.nothing())).toBeUndefined();
    expect(await lastValueFrom(posts.aliased())).toBe('x');
  });

  it('passes on the error of an Observable, each time', async () => {
    const posts = await bootPosts();
    expect(await caught(lastValueFrom(posts.broken()))).toEqual(new TypeError('call 1'));
    expect(await caught(lastValueFrom(posts.broken()))).toEqual(new TypeError('call 2'));
  });

  it('says what to do if the compiler emits no type', () => {
    const declare = () => {
      class Aliasing {
        @Cached()
        get(): Promise<string> | Promise<number> {
          return Promise.resolve('x');
        }
      }
      return Aliasing;
    };
    expect(declare).toThrow(/@Cached\(\)=get: the option returns/);
  });

  it('says what to do if an Observable was taken for a promise', async () => {
    const posts = await bootPosts();
    const result = posts.misdeclared() as unknown as Promise<string>;
    expect((await caught(result)).message).toMatch(/misdeclared.*the option returns/);
  });

  it('just calls the method of an instance that Nest has not made', async () => {
    const posts = new Posts();
    expect(await posts.find(1)).toEqual(await posts.find(1));
    expect(posts.calls).toBe(2);
    expect(await firstValueFrom(posts.watch(1))).toBe('first');
    expect(await posts.rename(1, 'New')).toEqual({ id: 1, title: 'New' });
  });

  it('accepts a test double of the cache', async () => {
    const double = { getOrLoad: (_key: unknown, load: () => unknown) => load() };
    const app = await Test.createTestingModule({
      providers: [Titles, { provide: getRedisCacheToken(), useValue: double }],
    }).compile();
    const titles = app.get(Titles);
    const post = { id: 1, other: () => undefined };
    expect([await titles.of(post), await titles.of(post)]).toEqual(['1 1', '1 2']);
  });

  it('adds no visible property to an instance', async () => {
    const posts = await bootPosts();
    expect(Object.keys(posts)).toEqual(Object.keys(new Posts()));
    expect(Object.getOwnPropertySymbols(posts)).toEqual([]);
    expect(Posts.prototype.find.name).toBe('find');
    expect(Posts.prototype.find).toHaveLength(1);
  });

  it('has separate entries for a subclass', async () => {
    const app = await boot([Posts, OtherPosts]);
    const [posts, others] = [Posts, OtherPosts].map((type) => app.get(type, { strict: false }));
    others?.titles.set(1, 'Other');
    expect([await posts?.find(1), await others?.find(1)]).toEqual([
      { id: 1, title: 'One' },
      { id: 1, title: 'Other' },
    ]);
  });

  it('caches a method and the one that it calls through super separately', async () => {
    class Base {
      @Cached()
      async get(id: number): Promise<string> {
        return `base ${id}`;
      }
    }
    @Injectable()
    class Derived extends Base {
      @Cached()
      override async get(id: number): Promise<string> {
        return `derived of ${await super.get(id)}`;
      }
    }
    const derived = (await boot([Derived])).get(Derived, { strict: false });
    expect([await derived.get(1), await derived.get(1)]).toEqual([
      'derived of base 1',
      'derived of base 1',
    ]);
  });

  it('works for request-scoped and transient providers, with one entry', async () => {
    let calls = 0;
    class Scoped {
      @Cached()
      async get(): Promise<number> {
        return ++calls;
      }
    }
    @Injectable({ scope: Scope.REQUEST })
    class PerRequest extends Scoped {
      constructor(@Inject(REQUEST) readonly request: unknown) {
        super();
      }
    }
    @Injectable({ scope: Scope.TRANSIENT })
    class Transient extends Scoped {}
    const app = await boot([PerRequest, Transient]);
    for (const type of [PerRequest, Transient]) {
      const [a, b] = [
        await app.resolve<Scoped>(type, undefined, { strict: false }),
        await app.resolve<Scoped>(type, undefined, { strict: false }),
      ];
      expect(a).not.toBe(b);
      expect(await a.get()).toBe(await b.get());
    }
    expect(calls).toBe(2);
  });

  it('uses the cache of its own application', async () => {
    const [a, b] = [await bootPosts(), await bootPosts()];
    b.titles.set(1, 'Other');
    expect([await a.find(1), await b.find(1)]).toEqual([
      { id: 1, title: 'One' },
      { id: 1, title: 'Other' },
    ]);
  });

  it.each([0, 1])(
    'keeps the metadata of the method, in any order of the decorators (%d)',
    (order) => {
      const decorators = [SetMetadata('role', 'admin'), Cached()];
      class Guarded {
        async get(): Promise<number> {
          return 1;
        }
      }
      const descriptor = Object.getOwnPropertyDescriptor(
        Guarded.prototype,
        'get',
      ) as PropertyDescriptor;
      for (const decorate of order ? decorators.reverse() : decorators) {
        (decorate as MethodDecorator)(Guarded.prototype, 'get', descriptor);
      }
      expect(Reflect.getMetadata('role', descriptor.value as object)).toBe('admin');
    },
  );

  it('works on a route, and keeps its metadata', async () => {
    let calls = 0;
    @Controller('posts')
    class PostsController {
      @Cached()
      @Get()
      async list(): Promise<number[]> {
        return [++calls];
      }
    }
    const app = await Test.createTestingModule({
      imports: [RedisModule.forRoot(options())],
      controllers: [PostsController],
    }).compile();
    const http = app.createNestApplication();
    await http.listen(0, '127.0.0.1');
    for (let i = 0; i < 2; i++) {
      expect(await (await fetch(`${await http.getUrl()}/posts`)).json()).toEqual([1]);
    }
    await http.close();
  });

  describe('refuses at boot', () => {
    /** Nothing is connected yet when it fails. */
    const bootUnconnected = (providers: Providers) =>
      boot(providers, RedisModule.forRoot({ ...options(), startup: 'background' }));

    const classNamed = (name: string | undefined) => {
      class Same {
        @Cached({ name })
        async get(): Promise<number> {
          return 1;
        }
      }
      return Same;
    };

    it('a second class with the same name', async () => {
      const error = await caught(bootUnconnected([classNamed(undefined), classNamed(undefined)]));
      expect(error.name).toBe('RedisConfigurationException');
      expect(error.message).toMatch(/Same\.get: another name, with the option name/);
    });

    it('but not with a name of its own', async () => {
      const [a, b] = [classNamed('a'), classNamed('b')];
      const app = await boot([a, b]);
      expect(await app.get(a, { strict: false }).get()).toBe(1);
      expect(await app.get(b, { strict: false }).get()).toBe(1);
    });

    it('a class without a name', async () => {
      const nameless = (() => {
        const type = classNamed(undefined);
        Object.defineProperty(type, 'name', { value: '' });
        return type;
      })();
      const error = await caught(bootUnconnected([{ provide: 'nameless', useClass: nameless }]));
      expect(error.message).toMatch(/the option name, because the class has none/);
    });

    it('a subclass that inherits a name', async () => {
      @Injectable()
      class OtherTitles extends Titles {}
      const error = await caught(bootUnconnected([Titles, OtherTitles]));
      expect(error.message).toMatch(/titles: another name/);
    });

    it('a cache that is not declared', async () => {
      class Lost {
        @Cached({ cache: 'nowhere' })
        async get(): Promise<number> {
          return 1;
        }
      }
      expect((await caught(bootUnconnected([Lost]))).message).toMatch(/Cache:nowhere/);
    });
  });

  it('refuses a static method when it is declared', () => {
    const declare = () => {
      class Static {
        readonly made = true;

        @Cached()
        static async get(): Promise<number> {
          return 1;
        }
      }
      return Static;
    };
    expect(declare).toThrow(/@Cached\(\)=get: a method that is not static/);
  });
});

describe('@InvalidatesCache', () => {
  it('invalidates tags made from the result before it returns', async () => {
    const posts = await bootPosts();
    await posts.find(1);
    await posts.rename(1, 'New');
    expect(await posts.find(1)).toEqual({ id: 1, title: 'New' });
  });

  it('deletes entries by keys made from the arguments', async () => {
    const posts = await bootPosts();
    await posts.find(1);
    await posts.forget(1);
    expect(await posts.find(1)).toBeNull();
  });

  it('can be repeated for several caches', async () => {
    const app = await boot([Posts]);
    const posts = app.get(Posts, { strict: false });
    const reports = app.get<RedisCache>(getRedisCacheToken('reports'), { strict: false });
    await posts.find(1);
    await reports.set(['Posts.find', cacheKeyOf([1])], 'x');
    await posts.clear(1);
    expect(await posts.find(1)).toBeNull();
    expect(await reports.get(['Posts.find', cacheKeyOf([1])])).toBeUndefined();
  });

  it('invalidates nothing when the method fails', async () => {
    const posts = await bootPosts();
    await posts.find(1);
    expect((await caught(posts.failToWrite())).message).toBe('not written');
    await posts.find(1);
    expect(posts.calls).toBe(1);
  });

  it('delays the values of an Observable until the tags of the last one are invalidated', async () => {
    const posts = await bootPosts();
    await posts.find(1);
    posts.titles.set(1, 'New');
    const read = firstValueFrom(posts.write$()).then(() => posts.find(1));
    posts.writes.next({ id: 2, title: 'Two' });
    posts.writes.next({ id: 1, title: 'New' });
    posts.writes.complete();
    expect(await read).toEqual({ id: 1, title: 'New' });
  });

  it('rejects with a RedisException if Redis does not acknowledge it', async () => {
    const own = await startRedis();
    const root = RedisModule.forRoot({ ...options(), url: own.url, commandTimeout: '300ms' });
    const posts = (await boot([Posts], root)).get(Posts, { strict: false });
    await posts.find(1);
    await own.kill();
    expect((await caught(posts.rename(1, 'New'))).name).toMatch(/^Redis\w+Exception$/);
    expect(posts.titles.get(1)).toBe('New');
    expect((await caught(posts.forget(1))).name).toMatch(/^Redis\w+Exception$/);
    const failure = (await caught(posts.purge(1))) as RedisBatchException;
    expect(failure.message).toContain('@InvalidatesCache() failed for 4 of 4');
    expect([...failure.errors.keys()].sort()).toEqual(
      ['Posts.find:(1)', 'other', 'post-1', 'posts'].sort(),
    );
    await own.stop();
  });
});

describe("@InvalidatesCache with when: 'around'", () => {
  it('lets no old value be cached from the begin of the method to its end', async () => {
    const posts = await bootPosts();
    await posts.find(1);
    expect(await posts.renameAround(1, 'New')).toEqual({ id: 1, title: 'New' });
    expect(posts.readInside).toEqual({ id: 1, title: 'New' });
    const { calls } = posts;
    for (let i = 0; i < 2; i++) expect(await posts.find(1)).toEqual({ id: 1, title: 'New' });
    expect(posts.calls).toBe(calls + 1); // what was read inside was not cached
  });

  it('invalidates also when the method fails, because it may have written', async () => {
    const posts = await bootPosts();
    await posts.find(1);
    expect((await caught(posts.renameAround(1, ''))).message).toBe('half written');
    expect(await posts.find(1)).toEqual({ id: 1, title: '' });
  });

  it('emits the values of an Observable after the invalidation', async () => {
    const posts = await bootPosts();
    await posts.find(1);
    const values = await firstValueFrom(posts.renameAround$(1, 'New').pipe(toArray()));
    expect(values.map(({ title }) => title)).toEqual(['New', 'last']);
    expect(await posts.find(1)).toEqual({ id: 1, title: 'New' });
  });

  it('rejects with the result of the method if Redis was down all the time', async () => {
    const own = await startRedis();
    const root = RedisModule.forRoot({ ...options(), url: own.url, commandTimeout: '300ms' });
    const posts = (await boot([Posts], root)).get(Posts, { strict: false });
    await posts.find(1);
    await own.kill();
    const failure = await caught(posts.renameAround(1, 'New'));
    expect(failure).toMatchObject({
      name: 'RedisInvalidationException',
      tags: ['post-1'],
      keys: ['other:1'],
      result: { id: 1, title: 'New' },
    });
    await own.stop();
  });

  it('is refused for any other value', () => {
    const declare = () => {
      class Untimely {
        @InvalidatesCache({ when: 'before' as 'around' })
        async write(): Promise<void> {}
      }
      return Untimely;
    };
    expect(declare).toThrow(/@InvalidatesCache\(\) of write: when=before: 'after' or 'around'/);
  });
});

/** Compiled, never run. */
export const refusedByTheCompiler = () => {
  class Refused {
    // @ts-expect-error -- a method that returns neither a promise nor an Observable
    @Cached()
    sync(): number {
      return 1;
    }

    // @ts-expect-error -- the key takes a number, the method a string
    @Cached({ key: (id: number) => id })
    async otherKey(id: string): Promise<string> {
      return id;
    }

    // @ts-expect-error -- the tags take more than the method is given
    @Cached({ tags: (_id: string, other: number) => [other] })
    async moreTags(id: string): Promise<string> {
      return id;
    }

    @Cached({ key: (id: string) => id, tags: (_id: string, other: number) => [other] })
    async fitting(id: string, other: number): Promise<string> {
      return `${id} ${other}`;
    }

    // @ts-expect-error -- the result is a text
    @InvalidatesCache({ tags: (result: number) => [result] })
    async otherResult(): Promise<string> {
      return 'x';
    }

    // @ts-expect-error -- there is no result yet
    @InvalidatesCache({ when: 'around', tags: (result: string, id: number) => [result, id] })
    async noResultYet(id: number): Promise<string> {
      return `${id}`;
    }

    @InvalidatesCache({ when: 'around', tags: (id: number) => [id], keys: [['x', 1]] })
    async fittingAround(id: number): Promise<string> {
      return `${id}`;
    }

    @InvalidatesCache({ when: 'after', tags: (result: string, id: number) => [result, id] })
    async fittingAfter(id: number): Promise<string> {
      return `${id}`;
    }

    // @ts-expect-error -- a number of milliseconds is no duration
    @Cached({ ttl: 1000 })
    async bareNumber(): Promise<string> {
      return 'x';
    }
  }
  return Refused;
};
