import type { ApiAnswer } from '../chaos/api.js';
import type { Chance } from '../chaos/chance.js';
import type { ShownUser } from '../chaos/user-history.js';
import type { DatabaseView } from './database-view.js';
import type { Instance } from './instance.js';
import type { Watched, Witness } from './witness.js';

/** How many users a caller looks after. */
const MOST_USERS = 6;

/** How many users are read over and over. */
const BUSY_USERS = 30;

export interface CallerTools {
  readonly witness: Witness;
  readonly database: DatabaseView;
  /** Those that are up now. */
  readonly instances: () => readonly Instance[];
  /** All users of all callers. */
  readonly users: Watched[];
  readonly chance: Chance;
  /** Whether callers do little but change users. */
  readonly isStorm: () => boolean;
}

/** One caller. It changes its own users only, one request after the other, and reads those of all callers. */
export class InstanceCaller {
  #mine: Watched[] = [];
  #created = 0;

  constructor(
    readonly name: string,
    /** Single users, while others wait for a database that does not answer. */
    private readonly onlyReads: boolean,
    private readonly tools: CallerTools,
  ) {}

  async act(): Promise<void> {
    const { chance, instances, isStorm } = this.tools;
    const up = instances();
    if (up.length === 0) return;
    const instance = chance.pick(up);
    const luck = chance.next();
    if (this.onlyReads) {
      if (this.tools.users.length > 0) await this.#read(instance);
    } else if (this.#mine.length < 2 || (luck < 0.06 && this.#mine.length < MOST_USERS)) {
      await this.#create(instance);
    } else if (luck < 0.25 || (isStorm() && luck < 0.8)) await this.#change(instance);
    else if (luck < 0.28) await this.#delete(instance);
    else if (luck < 0.75) await this.#read(instance);
    else if (luck < 0.92) await this.#readSeveral(instance);
    else await this.#readPage(instance);
  }

  async #create(instance: Instance): Promise<void> {
    const { users, witness } = this.tools;
    const mark = `${this.name}-${++this.#created}`;
    const details = { firstName: mark, lastName: 'v1', email: `${mark}@example.com` };
    const answer = await instance.api.request('POST', '/users', details);
    if (!witness.answered(answer, 'write', instance, 201)) return;
    const user = witness.created(answer.json as ShownUser, answer);
    this.#mine.push(user);
    users.push(user);
  }

  async #change(instance: Instance): Promise<void> {
    const { chance, witness } = this.tools;
    const user = chance.pick(this.#mine);
    const change = witness.begin(user, 'set');
    const body = { lastName: `v${change.version}` };
    const answer = await instance.api.request('PATCH', `/users/${user.history.id}`, body);
    if (!witness.answered(answer, 'write', instance, 200, 404, 409)) return;
    if (answer.status === 200) {
      witness.saw(user, answer.json as ShownUser, answer, 'reply to PATCH');
      witness.acknowledged(user, change, answer, instance);
    } else {
      change.refused();
      if (answer.status === 404) this.#isGone(user, answer, 'reply to PATCH');
    }
  }

  async #delete(instance: Instance): Promise<void> {
    const { chance, witness } = this.tools;
    const user = chance.pick(this.#mine);
    const change = witness.begin(user, 'delete');
    const answer = await instance.api.request('DELETE', `/users/${user.history.id}`);
    this.#mine = this.#mine.filter((mine) => mine !== user);
    if (!witness.answered(answer, 'write', instance, 204, 404)) return;
    if (answer.status === 204) witness.acknowledged(user, change, answer, instance);
    else {
      change.refused();
      this.#isGone(user, answer, 'reply to DELETE');
    }
  }

  #isGone(user: Watched, answer: ApiAnswer, how: string): void {
    this.#mine = this.#mine.filter((mine) => mine !== user);
    this.tools.witness.saw(user, null, answer, how);
  }

  async #read(instance: Instance): Promise<void> {
    const { chance, database, witness } = this.tools;
    const user = this.#anyUser();
    const inDatabase = chance.next() < 0.5 ? await database.versionOf(user) : undefined;
    const asProfile = chance.next() < 0.3;
    const path = `/users/${user.history.id}${asProfile ? '/profile' : ''}`;
    const answer = await instance.api.request('GET', path);
    if (!witness.answered(answer, 'read', instance, 200, 404)) {
      witness.refused(user, path, answer);
      return;
    }
    const seen = answer.status === 404 ? null : (answer.json as ShownUser);
    witness.saw(user, seen, answer, asProfile ? 'profile' : 'user', inDatabase);
    witness.shown(user, path, answer);
  }

  async #readSeveral(instance: Instance): Promise<void> {
    const { witness } = this.tools;
    const users = [...new Set(Array.from({ length: 5 }, () => this.#anyUser()))];
    const ids = users.map(({ history }) => history.id).join();
    const answer = await instance.api.request('GET', `/users?ids=${ids}`);
    if (!witness.answered(answer, 'list', instance, 200)) return;
    const found = new Map((answer.json as ShownUser[]).map((user) => [user.id, user]));
    for (const user of users) {
      witness.saw(user, found.get(user.history.id) ?? null, answer, 'list');
    }
  }

  async #readPage(instance: Instance): Promise<void> {
    const { witness } = this.tools;
    const answer = await instance.api.request('GET', '/users?limit=20');
    if (!witness.answered(answer, 'page', instance, 200)) return;
    for (const seen of answer.json as ShownUser[]) {
      const user = witness.users.get(seen.id);
      if (user !== undefined) witness.saw(user, seen, answer, 'page');
    }
  }

  /** One of the latest, so that users are read shortly after they were changed. */
  #anyUser(): Watched {
    return this.tools.chance.pick(this.tools.users.slice(-BUSY_USERS));
  }
}
