import type { Api } from './api.js';
import { readCached } from './caller.js';
import type { Oracle } from './oracle.js';
import type { ShownUser, UserHistory } from './user-history.js';

/** Of how many users the audit reads what is cached, too. */
const CACHED = 100;

/** How many users are asked for at once. */
const LIST = 100;

/** Reads everything when the traffic has stopped: by list, as it is cached, and by page. */
export async function audit(
  oracle: Oracle,
  apis: readonly Api[],
  users: readonly UserHistory[],
): Promise<void> {
  for (const api of apis) {
    for (let from = 0; from < users.length; from += LIST) {
      await auditList(oracle, api, users.slice(from, from + LIST));
    }
    for (const user of users.slice(-CACHED)) await readCached(oracle, api, user);
    await auditPages(oracle, api, users);
  }
}

async function auditList(oracle: Oracle, api: Api, users: readonly UserHistory[]): Promise<void> {
  const answer = await api.request('GET', `/users?ids=${users.map(({ id }) => id).join()}`);
  if (!oracle.answered(answer, 200)) return;
  const found = new Map((answer.json as ShownUser[]).map((user) => [user.id, user]));
  for (const user of users) oracle.audited(user, found.get(user.id) ?? null, answer);
}

/** Users that are there all the time come at least once, and no other user has their e-mail. */
async function auditPages(oracle: Oracle, api: Api, users: readonly UserHistory[]): Promise<void> {
  const owners = new Map<string, Set<string>>();
  const began = performance.now();
  let next: string | undefined = `/users?limit=${LIST}`;
  while (next !== undefined) {
    const answer = await api.request('GET', next);
    if (!oracle.answered(answer, 200)) return;
    for (const user of answer.json as ShownUser[]) {
      oracle.sawListed(user, answer, 'audit by page');
      owners.set(user.email, (owners.get(user.email) ?? new Set()).add(user.id));
    }
    next = answer.next;
  }
  for (const user of users) {
    const email = user.certainEmail(began);
    const found = email === undefined ? undefined : [...(owners.get(email) ?? [])];
    if (found?.includes(user.id) === false) oracle.report('lost write', `no page has ${user.mark}`);
    if ((found?.length ?? 0) > 1) oracle.report('wrong answer', `several users have ${email}`);
  }
}
