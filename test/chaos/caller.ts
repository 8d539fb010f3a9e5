import type { Api, ApiAnswer } from './api.js';
import type { Chance } from './chance.js';
import type { Oracle } from './oracle.js';
import type { ShownUser, UserHistory } from './user-history.js';

/** How many users a caller looks after. */
const MOST_USERS = 8;

/** How many users are read over and over. */
const BUSY_USERS = 40;

/** One caller. It changes its own users only, one request after the other, and reads those of all callers. */
export class Caller {
  readonly #mine: UserHistory[] = [];
  /** E-mails of deleted users, and whose they were. */
  readonly #freed: { readonly email: string; readonly by: UserHistory }[] = [];
  #created = 0;

  constructor(
    readonly name: string,
    readonly oracle: Oracle,
    readonly apis: readonly Api[],
    readonly users: UserHistory[],
    readonly chance: Chance,
  ) {}

  async act(): Promise<void> {
    const api = this.chance.pick(this.apis);
    const luck = this.chance.next();
    if (this.#mine.length === 0 || (luck < 0.1 && this.#mine.length < MOST_USERS)) {
      await this.#create(api);
    } else if (luck < 0.12) {
      await this.#createWithTakenEmail(api);
    } else if (luck < 0.37) {
      await this.#change(api, luck < 0.17);
    } else if (luck < 0.42) {
      await this.#delete(api);
    } else if (luck < 0.82) {
      await readCached(this.oracle, api, this.#anyUser(), luck < 0.62);
    } else if (luck < 0.95) {
      await this.#readSeveral(api);
    } else if (luck < 0.98) {
      await this.#readPage(api);
    } else {
      await this.#probe(api);
    }
  }

  /** One of the latest, so that users are read shortly after they were changed. */
  #anyUser(): UserHistory {
    return this.chance.pick(this.users.slice(-BUSY_USERS));
  }

  async #create(api: Api): Promise<void> {
    const mark = `${this.name}-${++this.#created}`;
    const freed = this.chance.next() < 0.3 ? this.#freed.pop() : undefined;
    const email = freed?.email ?? `${mark}@example.com`;
    const answer = await this.#post(api, mark, email);
    if (answer.status === 201) {
      const history = this.oracle.created(answer.json as ShownUser, answer);
      this.#mine.push(history);
      this.users.push(history);
    } else if (answer.status === 409 && (freed?.by.isCertainlyGone(answer.began) ?? true)) {
      this.oracle.report('wrong answer', `409 for ${mark}, although its e-mail is free`);
    }
  }

  async #createWithTakenEmail(api: Api): Promise<void> {
    const owner = this.chance.pick(this.#mine);
    const email = owner.certainEmail(performance.now());
    if (email === undefined) return;
    const mark = `${this.name}-${++this.#created}`;
    const answer = await this.#post(api, mark, email);
    if (answer.status !== 201) return;
    this.users.push(this.oracle.created(answer.json as ShownUser, answer));
    if (owner.certainEmail(answer.ended) === undefined) return;
    this.oracle.report('wrong answer', `${mark} was given the e-mail of ${owner.mark}`);
  }

  async #post(api: Api, mark: string, email: string): Promise<ApiAnswer> {
    this.oracle.attempted(mark, performance.now());
    const answer = await api.request('POST', '/users', { firstName: mark, lastName: 'v1', email });
    this.oracle.answered(answer, 201, 409);
    return answer;
  }

  async #change(api: Api, withEmail: boolean): Promise<void> {
    const user = this.chance.pick(this.#mine);
    const version = user.nextVersion;
    const email = withEmail ? `${user.mark}-v${version}@example.com` : undefined;
    const change = user.begin('set', email, performance.now());
    const body = { lastName: `v${version}`, ...(email !== undefined && { email }) };
    const answer = await api.request('PATCH', `/users/${user.id}`, body);
    if (!this.oracle.answered(answer, 200, 404)) return;
    if (answer.status === 200) {
      this.oracle.saw(user, answer.json as ShownUser, answer, 'reply to PATCH');
      change.acknowledged(answer.ended);
    } else {
      change.refused();
      this.#letGo(user);
      this.oracle.saw(user, null, answer, 'reply to PATCH');
    }
  }

  async #delete(api: Api): Promise<void> {
    const user = this.chance.pick(this.#mine);
    const email = user.certainEmail(performance.now());
    const change = user.begin('delete', undefined, performance.now());
    const answer = await api.request('DELETE', `/users/${user.id}`);
    this.#letGo(user);
    if (!this.oracle.answered(answer, 204, 404)) return;
    if (answer.status === 204) {
      change.acknowledged(answer.ended);
      if (email !== undefined) this.#freed.push({ email, by: user });
    } else {
      change.refused();
      this.oracle.saw(user, null, answer, 'reply to DELETE');
    }
  }

  #letGo(user: UserHistory): void {
    const at = this.#mine.indexOf(user);
    if (at !== -1) this.#mine.splice(at, 1);
  }

  async #readSeveral(api: Api): Promise<void> {
    const users = [...new Set(Array.from({ length: 5 }, () => this.#anyUser()))];
    const answer = await api.request('GET', `/users?ids=${users.map(({ id }) => id).join()}`);
    if (!this.oracle.answered(answer, 200)) return;
    const found = new Map((answer.json as ShownUser[]).map((user) => [user.id, user]));
    for (const user of users) this.oracle.saw(user, found.get(user.id) ?? null, answer, 'list');
  }

  async #probe(api: Api): Promise<void> {
    const answer = await api.request('GET', '/health/live');
    this.oracle.answered({ ...answer, kind: 'probe' }, 200);
  }

  async #readPage(api: Api): Promise<void> {
    const answer = await api.request('GET', '/users?limit=10');
    if (!this.oracle.answered(answer, 200)) return;
    for (const user of answer.json as ShownUser[]) this.oracle.sawListed(user, answer, 'page');
  }
}

/** As one user, or as a profile; both are cached. */
export async function readCached(
  oracle: Oracle,
  api: Api,
  user: UserHistory,
  asProfile = false,
): Promise<void> {
  const path = `/users/${user.id}${asProfile ? '/profile' : ''}`;
  const answer = await api.request('GET', path);
  if (!oracle.answered({ ...answer, user: user.id }, 200, 404)) return;
  const seen = answer.status === 404 ? null : (answer.json as ShownUser);
  oracle.saw(user, seen, answer, asProfile ? 'profile' : 'cached user');
}
