import { setTimeout as sleep } from 'node:timers/promises';

import type { Api, ApiAnswer } from './api.js';
import { Chance } from './chance.js';
import type { Oracle } from './oracle.js';
import type { ShownUser, UserHistory } from './user-history.js';

const CALLERS = 10;

/** Between two requests of a caller; all callers together make some 400 requests per second. */
const THINK_MS = 40;

/** How many users a caller looks after. */
const MOST_USERS = 8;

/** Of how many users the audit reads what is cached, too. */
const AUDITED_CACHED = 100;

/** Callers that create, read, change and delete users, each through any of the processes. */
export class Traffic {
  readonly #oracle: Oracle;
  readonly #apis: readonly Api[];
  readonly #callers: readonly Caller[];
  readonly #users: UserHistory[] = [];
  #running: Promise<unknown> = Promise.resolve();
  #isStopped = false;

  /** @param name tells the users of this traffic from all others */
  constructor(oracle: Oracle, apis: readonly Api[], name: string, seed: number) {
    this.#oracle = oracle;
    this.#apis = apis;
    this.#callers = Array.from(
      { length: CALLERS },
      (_, n) => new Caller(`${name}-${n}`, oracle, apis, this.#users, new Chance(seed, name, n)),
    );
  }

  start(): void {
    this.#running = Promise.all(this.#callers.map((caller) => this.#keepBusy(caller)));
  }

  /** Resolves when every request has been answered. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#running;
  }

  /** Reads everything, when the traffic has stopped: by list, by page and as it is cached. */
  async audit(): Promise<void> {
    for (const api of this.#apis) {
      for (let from = 0; from < this.#users.length; from += 100) {
        await this.#auditList(api, this.#users.slice(from, from + 100));
      }
      for (const user of this.#users.slice(-AUDITED_CACHED))
        await readCached(this.#oracle, api, user);
    }
    const [api] = this.#apis;
    if (api !== undefined) await this.#auditPages(api);
  }

  async #keepBusy(caller: Caller): Promise<void> {
    while (!this.#isStopped) {
      await caller.act();
      await sleep(THINK_MS * caller.chance.next());
    }
  }

  async #auditList(api: Api, users: readonly UserHistory[]): Promise<void> {
    const answer = await api.request('GET', `/users?ids=${users.map(({ id }) => id).join()}`);
    if (!this.#oracle.answered(answer, 200)) return;
    const found = new Map((answer.json as ShownUser[]).map((user) => [user.id, user]));
    for (const user of users) this.#oracle.audited(user, found.get(user.id) ?? null, answer);
  }

  /** Users that are there all the time come at least once, and no two of them have the same e-mail. */
  async #auditPages(api: Api): Promise<void> {
    const owners = new Map<string, string>();
    const seen = new Set<string>();
    let next: string | undefined = '/users?limit=100';
    let last: ApiAnswer | undefined;
    while (next !== undefined) {
      const answer: ApiAnswer = await api.request('GET', next);
      if (!this.#oracle.answered(answer, 200)) return;
      for (const user of answer.json as ShownUser[]) {
        this.#oracle.sawListed(user, answer, 'audit by page');
        seen.add(user.id);
        const owner = owners.get(user.email) ?? user.id;
        if (owner !== user.id) this.#oracle.report('wrong answer', `two users have ${user.email}`);
        owners.set(user.email, user.id);
      }
      next = answer.next;
      last = answer;
    }
    const began = last?.began ?? 0;
    for (const user of this.#users) {
      if (user.certainEmail(began) === undefined || seen.has(user.id)) continue;
      this.#oracle.report('lost write', `no page shows ${user.mark}`);
    }
  }
}

/** One caller. It changes its own users only, one request after the other, and reads everybody's. */
class Caller {
  readonly #mine: UserHistory[] = [];
  /** E-mails that nobody has any more, and who had them. */
  readonly #freed: { readonly email: string; readonly by: UserHistory }[] = [];
  #created = 0;

  constructor(
    readonly name: string,
    readonly oracle: Oracle,
    readonly apis: readonly Api[],
    readonly everybody: UserHistory[],
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
      await readCached(this.oracle, api, this.chance.pick(this.everybody), luck < 0.62);
    } else if (luck < 0.96) {
      await this.#readSeveral(api);
    } else {
      await this.#readPage(api);
    }
  }

  async #create(api: Api): Promise<void> {
    const mark = `${this.name}-${++this.#created}`;
    const freed = this.chance.next() < 0.3 ? this.#freed.pop() : undefined;
    const email = freed?.email ?? `${mark}@example.com`;
    const answer = await this.#post(api, mark, email);
    if (answer.status === 201) {
      const history = this.oracle.created(answer.json as ShownUser, answer);
      this.#mine.push(history);
      this.everybody.push(history);
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
    this.everybody.push(this.oracle.created(answer.json as ShownUser, answer));
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
    const users = [...new Set(Array.from({ length: 5 }, () => this.chance.pick(this.everybody)))];
    const answer = await api.request('GET', `/users?ids=${users.map(({ id }) => id).join()}`);
    if (!this.oracle.answered(answer, 200)) return;
    const found = new Map((answer.json as ShownUser[]).map((user) => [user.id, user]));
    for (const user of users) this.oracle.saw(user, found.get(user.id) ?? null, answer, 'list');
  }

  async #readPage(api: Api): Promise<void> {
    const answer = await api.request('GET', '/users?limit=10');
    if (!this.oracle.answered(answer, 200)) return;
    for (const user of answer.json as ShownUser[]) this.oracle.sawListed(user, answer, 'page');
  }
}

/** As one user, or as a profile; both are cached. */
async function readCached(
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
