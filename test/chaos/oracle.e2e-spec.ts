/** The oracle notices what it is there for: each of these is planted, and would otherwise go unseen. */
import { beforeEach, describe, expect, it } from '@jest/globals';

import { LONGEST_ANSWER_MS, Oracle, RECOVERY_MS, type Answer } from './oracle.js';
import { REPLICATION_LAG_MS, SWITCH_MS } from './losses.js';
import type { ShownUser, UserHistory } from './user-history.js';

const EMAIL = 'ada@example.com';

let oracle: Oracle;
let ada: UserHistory;

beforeEach(() => {
  oracle = new Oracle();
  oracle.attempted('ada', 0);
  ada = oracle.created(shown(1), { began: 0, ended: 10 });
});

describe('the oracle of the chaos run, of users', () => {
  it('is content with the newest acknowledged version, and with one that is being written', () => {
    change(20, 30);
    ada.begin('set', undefined, 35);

    see(shown(2), 40, 50);
    see(shown(3), 40, 50);

    expect(kinds()).toEqual([]);
  });

  it('notices a stale read', () => {
    change(20, 30);

    see(shown(1), 31, 40);

    expect(kinds()).toEqual(['stale read']);
  });

  it('lets a reader that began before the acknowledgement see the older version', () => {
    change(20, 30);

    see(shown(1), 29, 40);

    expect(kinds()).toEqual([]);
  });

  it('notices a lost write when all is quiet', () => {
    change(20, 30);

    oracle.audited(ada, shown(1), { began: 1_000, ended: 1_001 });

    expect(kinds()).toEqual(['lost write']);
  });

  it('notices that an unknown older write overtakes an acknowledged one', () => {
    ada.begin('set', undefined, 20);
    change(30, 40);

    see(shown(2), 50, 60);

    expect(kinds()).toEqual(['stale read']);
  });

  it('lets a write of unknown outcome be there or not', () => {
    ada.begin('set', undefined, 20);

    see(shown(2), 30, 40);
    see(shown(1), 50, 60);

    expect(kinds()).toEqual([]);
  });

  it('notices a user that is gone, and one that is back', () => {
    see(null, 20, 30);
    ada.begin('delete', undefined, 40).acknowledged(50);
    see(null, 60, 70);
    see(shown(1), 60, 70);

    expect(kinds()).toEqual(['stale read', 'stale read']);
  });

  it.each([
    ['a version that was never written', { lastName: 'v7' }],
    ['a last name that is none of ours', { lastName: 'King' }],
    ['the name of another user', { firstName: 'grace' }],
    ['the id of another user', { id: 'grace' }],
    ['the e-mail of another user', { email: 'grace@example.com' }],
    ['the display name of another user', { displayName: 'grace v1' }],
  ])('notices %s', (_, wrong) => {
    see({ ...shown(1), ...wrong }, 20, 30);

    expect(kinds()).toEqual(['wrong answer']);
  });

  it('notices a change that was refused and made', () => {
    ada.begin('set', undefined, 20).refused();

    see(shown(2), 30, 40);

    expect(kinds()).toEqual(['wrong answer']);
  });

  it('notices half a change: the version of one and the e-mail of another', () => {
    ada.begin('set', 'new@example.com', 20).acknowledged(30);

    see({ ...shown(2), email: EMAIL }, 40, 50);
    see({ ...shown(2), email: 'new@example.com' }, 40, 50);

    expect(kinds()).toEqual(['wrong answer']);
  });

  it('notices a user in a list that was never asked for', () => {
    oracle.sawListed({ ...shown(1), id: '2' }, { began: 20, ended: 30 }, 'page');
    oracle.sawListed({ ...shown(1), id: '3', firstName: 'eve' }, { began: 20, ended: 30 }, 'page');

    expect(kinds()).toEqual(['wrong answer']);
  });
});

describe('the oracle of the chaos run, of answers', () => {
  it('notices an answer that takes too long, however it ends', () => {
    oracle.answered(answer({ ended: LONGEST_ANSWER_MS + 1 }), 200);

    expect(kinds()).toEqual(['slow answer']);
  });

  it('notices a failure that is not a 503, and a status that the request cannot have', () => {
    oracle.faultBegins('everything', 'none', 0);

    expect(oracle.answered(answer({ status: 500 }), 200)).toBe(false);
    expect(oracle.answered(answer({ status: 409 }), 200)).toBe(false);
    expect(oracle.answered(answer({ status: 404 }), 200, 404)).toBe(true);

    expect(kinds()).toEqual(['wrong answer', 'wrong answer']);
  });

  it.each([
    'connect ECONNREFUSED 10.0.0.7',
    'No connection to Redis at 127.0.0.1:6379',
    'redis.internal:16379',
    "READONLY You can't write against a read only replica.",
    'There is no value at "user:chaos:chaos:1"',
    'Error at Redis.call (/app/redis.js:12:3)',
    'AUTH chaos-secret',
  ])('notices internals in a reply: %s', (text) => {
    oracle.answered(answer({ text }), 200);

    expect(kinds()).toEqual(['internals']);
  });

  it('notices a refusal before the fault, too long after it, and of what the fault does not touch', () => {
    const refusal = { status: 503, began: 5, ended: 6 };
    oracle.answered(answer(refusal), 200);
    oracle.faultBegins('writes', 'none', 10);
    oracle.answered(answer({ ...refusal, began: 11, ended: 12 }), 200);
    oracle.answered(answer({ ...refusal, kind: 'write', began: 11, ended: 12 }), 200);
    oracle.faultEnds(20);
    const late = 21 + RECOVERY_MS;
    oracle.answered(answer({ ...refusal, kind: 'write', began: late, ended: late }), 200);

    expect(kinds()).toEqual(['not available', 'not available', 'not available']);
    expect(oracle.findings()).toMatchObject({ refused: 4, recoveryMs: 1 + RECOVERY_MS });
  });

  it('notices that a process does not say that it lives, whatever the fault', () => {
    oracle.faultBegins('everything', 'none', 0);
    oracle.answered(answer({ status: 503 }), 200);
    oracle.answered(answer({ kind: 'probe', status: 503 }), 200);

    expect(kinds()).toEqual(['not available']);
  });

  it('notices the refused read of a user whose primary is well', () => {
    oracle.faultBegins('everything', 'none', 0);
    const refused = answer({ status: 503, user: '1' });
    oracle.answered(refused, 200);

    oracle.sawOthers({ refused: oracle.readsDuringFault(), slowestMs: 1 });

    expect(kinds()).toEqual(['not available']);
  });

  it('takes a broken connection for a refusal', () => {
    oracle.answered(answer({ status: 0 }), 200);

    expect(kinds()).toEqual(['not available']);
  });
});

describe('the oracle of the chaos run, of what Redis may lose', () => {
  it('forgives what was acknowledged while a primary was replaced, and nothing after that', () => {
    oracle.faultBegins('everything', 'recent', 10_000);
    change(10_100, 10_200);
    oracle.faultEnds(11_000);
    see(shown(1), 20_000, 20_001);
    expect(kinds()).toEqual([]);

    change(11_001 + SWITCH_MS, 11_002 + SWITCH_MS);
    see(shown(1), 20_000, 20_001);
    see(shown(2), 20_000, 20_001);

    expect(kinds()).toEqual(['stale read', 'stale read']);
  });

  it('does not forgive what had been acknowledged well before a primary was replaced', () => {
    change(20, 30);
    oracle.faultBegins('everything', 'recent', 31 + REPLICATION_LAG_MS);
    oracle.faultEnds(9_000);

    see(shown(1), 10_000, 10_001);

    expect(kinds()).toEqual(['stale read']);
  });

  it('counts what was lost, and until when it had been acknowledged', () => {
    oracle.faultBegins('everything', 'recent', 10_000);
    change(10_100, 10_200);
    change(11_200, 11_300);
    oracle.faultEnds(11_000);

    oracle.audited(ada, shown(1), { began: 20_000, ended: 20_001 });

    expect(oracle.findings()).toMatchObject({ lost: 2, lostUntilMs: 300, violations: [] });
  });

  it('lets users vanish in a flush, but not go back to an older version', () => {
    change(20, 30);
    oracle.faultBegins('nothing', 'all', 40);
    oracle.faultEnds(50);

    see(null, 60, 70);
    see(shown(1), 60, 70);

    expect(kinds()).toEqual(['stale read']);
  });

  it('does not forgive that a user vanishes which was made after the flush', () => {
    oracle.faultBegins('nothing', 'all', 40);
    oracle.faultEnds(50);
    change(51, 60);

    see(null, 70, 80);

    expect(kinds()).toEqual(['stale read']);
  });

  it('knows nothing for certain of an e-mail while its user may have been lost', () => {
    expect(ada.certainEmail(20)).toBe(EMAIL);
    oracle.faultBegins('nothing', 'all', 40);

    expect(ada.certainEmail(41)).toBeUndefined();
  });
});

/** The next version, acknowledged. */
function change(sentAt: number, ackedAt: number): void {
  ada.begin('set', undefined, sentAt).acknowledged(ackedAt);
}

function see(seen: ShownUser | null, began: number, ended: number): void {
  oracle.saw(ada, seen, { began, ended }, 'cached user');
}

function shown(version: number): ShownUser {
  return { id: '1', firstName: 'ada', lastName: `v${version}`, email: EMAIL };
}

function answer(part: Partial<Answer>): Answer {
  return { kind: 'read', request: 'GET /', began: 0, ended: 1, status: 200, text: '', ...part };
}

function kinds(): string[] {
  return oracle.findings().violations.map(({ kind }) => kind);
}
