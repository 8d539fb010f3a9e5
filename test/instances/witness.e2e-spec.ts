/** The oracle of two instances notices what it is there for: each of these is planted. */
import { beforeEach, describe, expect, it } from '@jest/globals';

import type { ApiAnswer } from '../chaos/api.js';
import type { ShownUser } from '../chaos/user-history.js';
import { RECOVERY_MS } from './times.js';
import { Witness, type Life, type Watched } from './witness.js';

const alive: Life = { killedAt: Infinity };

let witness: Witness;
let ada: Watched;

beforeEach(() => {
  witness = new Witness();
  ada = witness.created(shown(1), answer({ began: 0, ended: 10 }));
});

describe('the oracle of two instances', () => {
  it('notices a read that is older than a released change', () => {
    change(20, 30);

    see(1, 31);

    expect(kinds()).toEqual(['stale read']);
  });

  it('forgives it while the invalidation waits in an outbox, and no longer', () => {
    change(20, 30, { 'x-outbox': '1' });
    see(1, 31);
    expect(kinds()).toEqual([]);

    witness.answered(
      answer({ began: 40, ended: 41, headers: { 'x-outbox': '0' } }),
      'read',
      alive,
      200,
    );
    see(1, 42);

    expect(kinds()).toEqual(['stale read']);
  });

  it('takes a change for released when the answer came that found the outbox empty, and not earlier', () => {
    change(20, 30, { 'x-outbox': '1' });
    witness.answered(
      answer({ began: 40, ended: 60, headers: { 'x-outbox': '0' } }),
      'read',
      alive,
      200,
    );

    see(1, 50); // may have been answered before the outbox was empty
    expect(kinds()).toEqual([]);

    see(1, 61);
    expect(kinds()).toEqual(['stale read']);
  });

  it('does not take an empty outbox of another instance for a release', () => {
    change(20, 30, { 'x-outbox': '1' });
    const other: Life = { killedAt: Infinity };

    witness.answered(
      answer({ began: 40, ended: 41, headers: { 'x-outbox': '0' } }),
      'read',
      other,
      200,
    );
    see(1, 42);

    expect(kinds()).toEqual([]);
  });

  it('notices a read that is older than what the database had, although it was not acknowledged', () => {
    witness.begin(ada, 'set', 20);

    see(1, 31, 2);

    expect(kinds()).toEqual(['stale read']);
  });

  it('does not compare with the database what was changed while Redis was in trouble', () => {
    const trouble = witness.trouble({ victim: 'Redis', what: 'frozen' }, 15);
    witness.begin(ada, 'set', 20);
    trouble.end(25);

    see(1, 31, 2);

    expect(kinds()).toEqual([]);
  });

  it('notices that an acknowledged change is not in the database', () => {
    change(20, 30);

    witness.audited(ada, shown(1));

    expect(kinds()).toEqual(['lost write']);
  });

  it('notices that a user is gone that was not deleted', () => {
    witness.audited(ada, undefined);

    expect(kinds()).toEqual(['lost write']);
  });

  it('notices a refusal because of Redis', () => {
    witness.trouble({ victim: 'Redis', what: 'frozen' }, 15);

    refuse(20);

    expect(kinds()).toEqual(['not available']);
  });

  it('excuses a refusal with the database, and for a moment after it was in trouble', () => {
    witness.trouble({ victim: 'database', what: 'frozen' }, 15).end(1_000);

    refuse(20);
    refuse(1_000 + RECOVERY_MS);
    expect(kinds()).toEqual([]);

    refuse(1_001 + RECOVERY_MS);
    expect(kinds()).toEqual(['not available']);
  });

  it('notices that a cached user is refused without the database', () => {
    const path = '/users/1';
    witness.shown(
      ada,
      path,
      answer({ began: 20_000, ended: 20_001, headers: { 'x-cache': 'HIT' } }),
    );
    witness.trouble({ victim: 'database', what: 'frozen' }, 21_000);

    witness.refused(ada, path, answer({ began: 22_000, ended: 22_001, status: 503 }));

    expect(kinds()).toEqual(['not available']);
  });

  it('excuses a connection that breaks if the instance was killed, and not otherwise', () => {
    const broken = answer({ began: 20, ended: 30, status: 0 });

    witness.answered(broken, 'read', { killedAt: 25 }, 200);
    expect(kinds()).toEqual([]);

    witness.answered(broken, 'read', alive, 200);
    expect(kinds()).toEqual(['wrong answer']);
  });
});

/** The next version, acknowledged by an instance that says what is in its outbox. */
function change(sentAt: number, ended: number, headers = { 'x-outbox': '0' }): void {
  const pending = witness.begin(ada, 'set', sentAt);
  witness.acknowledged(ada, pending, answer({ began: sentAt, ended, headers }), alive);
}

function see(version: number, began: number, inDatabase?: number): void {
  witness.saw(ada, shown(version), answer({ began, ended: began + 5 }), 'user', inDatabase);
}

function refuse(began: number): void {
  witness.answered(answer({ began, ended: began, status: 503 }), 'read', alive, 200);
}

function shown(version: number): ShownUser {
  return { id: '1', firstName: 'ada', lastName: `v${version}`, email: 'ada@example.com' };
}

function answer(part: Partial<ApiAnswer>): ApiAnswer {
  const nothing = { json: null, next: undefined, text: '', headers: {} };
  return { kind: 'read', request: 'GET /', began: 0, ended: 1, status: 200, ...nothing, ...part };
}

function kinds(): string[] {
  return witness.findings.map(({ kind }) => kind);
}
