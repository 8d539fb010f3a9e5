import autocannon from 'autocannon';

/** Traffic on the users API, made by autocannon until it is stopped. */
export interface Traffic {
  stop(): Promise<void>;
}

/** State of a simulated caller between its requests. */
interface Caller {
  id?: string;
}

interface TrafficOptions {
  /** Where the API listens, on this machine. */
  readonly port: number;
  /** An e-mail that one in five new users has. */
  readonly popularEmail?: string;
}

/** Enough for every alert's minimum, and little beside what the API can do (about 5,000). */
const REQUESTS_PER_SECOND = 150;
const CALLERS = 10;

let created = 0;

/**
 * Lets some callers create, read and change users repeatedly, and make all mistakes that lead to 400 or
 * 404. A caller that could not create a user reads a missing one.
 */
export function startTraffic({ port, popularEmail }: TrafficOptions): Traffic {
  const get = (path: string): autocannon.Request => ({ method: 'GET', path });
  const onUser = (suffix: string, request: autocannon.Request): autocannon.Request => ({
    ...request,
    setupRequest: (prepared, caller) => {
      const { id = 'nobody' } = caller as Caller;
      return { ...prepared, path: `/users/${id}${suffix}` };
    },
  });
  const json = { 'content-type': 'application/json' };
  const instance = autocannon(
    {
      url: `http://127.0.0.1:${port}`,
      connections: CALLERS,
      overallRate: REQUESTS_PER_SECOND,
      duration: 3_600,
      requests: [
        {
          method: 'POST',
          path: '/users',
          headers: json,
          setupRequest: (prepared) => ({
            ...prepared,
            body: JSON.stringify(nextUser(popularEmail)),
          }),
          onResponse: (status, body, caller) => {
            if (status === 201) (caller as Caller).id = (JSON.parse(body) as { id: string }).id;
          },
        },
        onUser('', { method: 'GET' }),
        onUser('/profile', { method: 'GET' }),
        onUser('/profile', { method: 'GET' }),
        onUser('', { method: 'PATCH', headers: json, body: '{"lastName":"King"}' }),
        onUser('', { method: 'GET' }),
        get('/users?ids=1,2,3'),
        get('/users?limit=5'),
        get('/users/nobody'),
        get('/nowhere'),
        { method: 'POST', path: '/users', headers: json, body: '{}' },
      ],
    },
    () => undefined, // with a callback it is an emitter, and not a promise as well
  );
  const done = new Promise<void>((resolve) => instance.once('done', () => resolve()));
  return {
    stop: () => {
      instance.stop();
      return done;
    },
  };
}

function nextUser(popularEmail: string | undefined): object {
  const own = `traffic-${++created}@example.com`;
  const email = created % 5 === 0 ? (popularEmail ?? own) : own;
  return { firstName: 'Ada', lastName: 'Lovelace', email };
}
