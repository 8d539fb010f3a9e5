/**
 * Mutants that break the cache's promises, each with the test file that has to notice. `find` occurs once
 * in its file below `libs/redis/src/cache`; correct it here when the sources change. `project` is one of
 * Jest's, `integration` if there is none.
 */
import { nearMutants } from './mutants.near.mjs';

const LEASE = 'cache-protocol-lease';
const FAR = 'cache-protocol-far';
const NESTING = 'cache-protocol-nesting';
const ORPHANS = 'cache-protocol-orphans';
const VERSIONS = 'cache-protocol-versions';
const LOADERS = 'cache-loaders';
const JOINING = 'cache-protocol-joining';
const OUTAGE = 'cache-protocol-outage';
const FROZEN = 'cluster-frozen-node';
const ALL_SHARING = 'cache-all-sharing';
const ALL_OUTAGES = 'cache-all-outages';
const SERIALIZERS = 'cache-serializers';
const CHANGE = 'cache-change.int-spec';
const CHANGE_OUTAGES = 'cache-change-outages';
const TRIPS = 'cache-round-trips';
const TOGETHER = 'cache-together';
const CONFIRMED = 'cache-confirmed.int-spec';
const CONFIRMED_CLUSTER = 'cache-confirmed-cluster';

const mutant = (breaks, spec, file, find, replace) => ({
  breaks,
  spec,
  edits: [{ file, find, replace }],
});

/** A mutant of what several commands do in a cluster, and one script does on one server. */
const inCluster = (mutant) => ({ ...mutant, where: 'on a cluster' });

const SCRIPTS = 'store/scripts.ts';
const STORE = 'store/cache-store.ts';
const READER = 'store/entry-reader.ts';
const LIST = 'entry/dependencies.ts';
const TURN = '../batch/read-turn.ts';
const FLIGHT = 'load/flight.ts';
const LEASE_OF = 'load/lease.ts';
const PENDING = 'load/pending-claim.ts';
const FLIGHTS = 'load/single-flight.ts';
const SIGNS = 'load/signs-of-life.ts';
const VALUES = 'load/values.ts';
const GATHERED = 'load/gathered-loads.ts';

const CHANGES = 'source-changes.ts';

const LOAD_GUARD = `if (isChanging(verdict)) return this.#start(() => this.#loadUncached('miss'));`;
const RELEASE_EARLY = 'if (versions && hasGaps(versions)) this.release();';
const JOIN_GUARD = 'if (this.isAborted) return this.ended.then(() => undefined);';

export const mutants = [
  // Replicas that confirm
  mutant(
    'no replica is asked to confirm',
    CONFIRMED,
    STORE,
    'if (!this.#demand) return this.#sent(key, script',
    'if (key) return this.#sent(key, script',
  ),
  mutant(
    'an invalidation that changes nothing does not reach the replicas',
    CONFIRMED,
    SCRIPTS,
    "if ARGV[3] == 'confirmed' then",
    'if false then',
  ),
  mutant(
    'a deletion by pattern ends where a replica does not confirm it',
    CONFIRMED,
    'invalidation.ts',
    'this.failure = error;\n',
    'throw error;\n',
  ),
  inCluster(
    mutant(
      'a deletion leaves the entry if a replica does not confirm the end of its lease',
      CONFIRMED_CLUSTER,
      STORE,
      'if (error instanceof RedisUnconfirmedException) await this.unconfirmed.#unlink(entry);',
      '',
    ),
  ),
  // Leases and fills
  mutant(
    'a fill does not check the token',
    LEASE,
    SCRIPTS,
    `if not is_held(lease, token) then return 0 end\n  redis.call('SET', entry`,
    `redis.call('SET', entry`,
  ),
  mutant(
    'a deletion leaves the lease',
    LEASE,
    STORE,
    'this.#withdraw(entry, [lease], writer, [entry])',
    'this.#withdraw(entry, [], writer, [entry])',
  ),
  inCluster(
    mutant(
      'a deletion removes the entry before the lease',
      LEASE,
      STORE,
      'await this.#withdraw(lease, [lease], writer);\n      } catch',
      'const removed = await this.#unlink(entry);\n        await this.#withdraw(lease, [lease], writer);\n        return removed === 1;\n      } catch',
    ),
  ),
  mutant(
    'a deletion by pattern forgets the leases',
    LEASE,
    'cache-keys.ts',
    "leases: siblingOf(entries, 'lease') }",
    "leases: siblingOf(entries, 'no-lease') }",
  ),
  mutant(
    'a deletion by pattern looks for entries before it looks for leases',
    LEASE,
    'invalidation.ts',
    'const { entries, leases } = this.#keys.patterns(pattern);',
    'const { entries: leases, leases: entries } = this.#keys.patterns(pattern);',
  ),
  mutant(
    'a lease never expires',
    LEASE,
    SCRIPTS,
    `redis.call('SET', lease, token, 'PX', lease_ms, 'NX')`,
    `redis.call('SET', lease, token, 'NX')`,
  ),
  mutant(
    'a lease is deleted by a process that does not hold it',
    LEASE,
    SCRIPTS,
    `if not is_held(KEYS[1], ARGV[1]) then return 0 end\nreturn redis.call('DEL', KEYS[1])`,
    `return redis.call('DEL', KEYS[1])`,
  ),
  mutant(
    'a lease is taken from the process that holds it',
    LEASE,
    SCRIPTS,
    'if held and held ~= orphan and string.sub(held, 1, #token) ~= token then',
    'if false then',
  ),
  mutant(
    'a lease is taken for an entry that has been filled since it was judged',
    LEASE,
    SCRIPTS,
    `fill_id_of(text or '') ~= judged`,
    `fill_id_of(text or '') == 'never'`,
  ),
  mutant(
    'a fill that failed keeps the lease',
    LEASE,
    LEASE_OF,
    'else this.release();\n    return this.#announce(isStored',
    'return this.#announce(isStored',
  ),
  mutant(
    'a lease is taken over by all who waited, or from a holder who lives after all',
    LEASE,
    SCRIPTS,
    'if held and held ~= orphan and',
    `if held and orphan == '' and`,
  ),
  mutant(
    'what is set has no fence, and comes back after a deletion',
    LEASE,
    'set-value.ts',
    'if (!isStored) await store.remove(keys);',
    `if (!isStored) await store.seize(keys, { token: fillId, leaseMs: 1_000 }, [], 1);
    if (!isStored) await store.replace(keys, fillId, entry.bytes, entry.liveMs);`,
  ),
  mutant(
    'a lease that Redis refuses is felt by all that were asked for with it',
    TOGETHER,
    'store/claims.ts',
    'if (waiting.length === 1 || !mayBeOne) {',
    'if (waiting.length > 0) {',
  ),
  // Changes
  mutant(
    'a change is made, and invalidated after that',
    CHANGE,
    CHANGES,
    'await this.#begin(subjects, writer);',
    '',
  ),
  mutant(
    'a list of writers is captured as a version',
    CHANGE,
    SCRIPTS,
    'if is_being_changed(version, time_ms) then return false end',
    'if is_being_changed(version, time_ms) then return version end',
  ),
  mutant(
    'a writer that has done ends what others are changing',
    CHANGE,
    SCRIPTS,
    'if #others == 0 then',
    'if true then',
  ),
  mutant(
    'a writer that has done leaves a version that appeared meanwhile',
    CHANGE,
    SCRIPTS,
    'if #others == 0 then',
    'if #all > 0 and #others == 0 then',
  ),
  mutant(
    'a list of writers does not end with the last of them',
    CHANGE,
    SCRIPTS,
    `table.concat(texts, ','), 'PX', latest - time)`,
    `table.concat(texts, ','))`,
  ),
  mutant(
    'a writer whose time is over counts as living',
    CHANGE,
    SCRIPTS,
    'if tonumber(expiry) > time then',
    'if true then',
  ),
  mutant(
    'a writer gives signs of life after it has done',
    CHANGE,
    CHANGES,
    'heartbeat.stop();\n    const failures',
    'const failures',
  ),
  mutant(
    'a writer that works for long gives no sign of life',
    CHANGE,
    CHANGES,
    'heartbeat.start();',
    '',
  ),
  mutant(
    'a change whose work throws is not ended',
    CHANGE,
    CHANGES,
    'await this.#end(subjects, writer.token); // it may have been committed',
    '',
  ),
  mutant(
    'a change is made although it could not be announced and the cache is closed',
    CHANGE_OUTAGES,
    CHANGES,
    `options.onOutage === 'open'`,
    `options.onOutage`,
  ),
  mutant(
    'an entry that begins to be changed stays',
    CHANGE,
    SCRIPTS,
    `if KEYS[2] then redis.call('UNLINK', KEYS[2]) end`,
    '',
  ),
  inCluster(
    mutant(
      'an entry is removed before its change is announced',
      CHANGE,
      STORE,
      'await this.#announce(lease, [lease], writer);\n      return this.#unlink(entry);',
      'const sent = await this.#unlink(entry);\n      await this.#announce(lease, [lease], writer);\n      return sent;',
    ),
  ),
  mutant(
    'an entry that was cached because its change was forgotten stays',
    CHANGE,
    CHANGES,
    'store.remove(entry, token)',
    'store.drop(entry.lease, token)',
  ),
  mutant(
    'an invalidation by tag ends what others are changing',
    CHANGE,
    STORE,
    '() => this.#withdraw(key, [key], writer));',
    '() => (writer ? this.#withdraw(key, [key], writer) : this.#client.unlink(key)));',
  ),
  mutant(
    'a deletion ends what others are changing',
    CHANGE,
    STORE,
    'this.#withdraw(entry, [lease], writer, [entry])',
    'this.#withdraw(entry, writer ? [lease] : [], writer, writer ? [entry] : [lease, entry])',
  ),
  mutant(
    'a deletion by pattern ends what others are changing',
    CHANGE,
    STORE,
    `await this.#withdraw(first, [first, ...others], '');`,
    'await this.#client.unlink(first, ...others);',
  ),
  mutant(
    'what is set ends what others are changing',
    CHANGE,
    SCRIPTS,
    'if is_being_changed(read_text(KEYS[1]), now()) then return 0 end',
    '',
  ),
  {
    ...mutant(
      'the lease on which writers stand is taken over because it is silent',
      CHANGE,
      SCRIPTS,
      `if is_being_changed(held, time_ms) then return 'changing' end`,
      '',
    ),
    where: 'does not take over the lease of writers',
  },
  {
    breaks: 'a reader of what is being changed waits for the load of another process',
    spec: CHANGE,
    edits: [
      { file: FLIGHT, find: LOAD_GUARD, replace: '' },
      {
        file: PENDING,
        find: `if (answer === 'changing' || hasGaps(versions)) {`,
        replace: `if (answer === 'changing') {`,
      },
    ],
  },
  mutant(
    'a caller that waits for a load goes on waiting when that has become vain',
    CHANGE,
    FLIGHT,
    'if (!isFound && !isVain && isHeld &&',
    'if (!isFound && isHeld &&',
  ),
  {
    ...mutant('a reader of what is being changed asks for a lease', TRIPS, FLIGHT, LOAD_GUARD, ''),
    where: 'The round trips of a cache',
  },
  mutant(
    'a lease that was got when the change had begun is kept',
    CHANGE,
    PENDING,
    'if (isTaken) this.#claimant.release();',
    '',
  ),
  mutant(
    'a load of what is being changed is shared by callers that came after it began',
    CHANGE,
    FLIGHT,
    'this.progress.loadAlone();',
    '',
  ),
  mutant(
    'each caller loads for himself while it is being changed',
    CHANGE,
    FLIGHT,
    LOAD_GUARD,
    'if (isChanging(verdict)) return this.loadAlone();',
  ),
  {
    breaks: 'a load that named what is being changed is shared once that has been changed',
    spec: CHANGE,
    edits: [
      { file: LEASE_OF, find: 'if (hasGaps(captured)) return false;', replace: '' },
      { file: LEASE_OF, find: RELEASE_EARLY, replace: '' },
    ],
  },
  mutant(
    'a load that named what is being changed keeps its lease',
    CHANGE,
    LEASE_OF,
    RELEASE_EARLY,
    '',
  ),
  mutant(
    'a change that was forgotten counts as one that no reader can have missed',
    CHANGE_OUTAGES,
    CHANGES,
    'endedAt < subject.coveredUntil',
    'subject.coveredUntil > 0',
  ),
  mutant(
    'the end of a change that Redis has not acknowledged is forgotten',
    CHANGE_OUTAGES,
    'invalidation.ts',
    '(this.#options.outbox || isPromised)',
    'this.#options.outbox',
  ),
  mutant(
    'the end of a change fails for want of memory',
    CHANGE_OUTAGES,
    SCRIPTS,
    `if written.err and not string.find(written.err, 'OOM', 1, true) then`,
    'if written.err then',
  ),
  mutant(
    'an application is closed while a change is being made',
    CHANGE_OUTAGES,
    CHANGES,
    'if (this.#running.size === 0) return 0;',
    'if (this.#running.size >= 0) return 0;',
  ),
  // Leases that are left behind
  mutant(
    'an orphaned lease is skipped although its holder lives',
    ORPHANS,
    SIGNS,
    'lease === this.#lease ?',
    'lease !== null ?',
  ),
  mutant(
    'a holder that loads for long gives no sign of life',
    ORPHANS,
    SIGNS,
    'this.deadline = now + this.#everyMs;',
    'this.deadline = now + this.#everyMs * 1_000;',
  ),
  mutant(
    'a holder that is silent is waited for',
    ORPHANS,
    SIGNS,
    'this.#silentMs >= this.#patienceMs',
    'this.#silentMs < 0',
  ),
  mutant(
    'a process waits for what it left behind itself',
    ORPHANS,
    SIGNS,
    'isLeftBehind(lease) ||',
    '',
  ),
  mutant(
    'a lease that could not be given back is forgotten',
    ORPHANS,
    STORE,
    'this.#connection.part(AbandonedLeases).add(lease, giveBack);',
    '',
  ),
  mutant('what is being set counts as left behind', ORPHANS, 'set-value.ts', 'token.begin();', ''),
  // Versions
  mutant(
    'a version is unique for each call, not for each execution',
    VERSIONS,
    SCRIPTS,
    `redis.sha1hex(ARGV[1] .. '.' .. time[1] .. '.' .. time[2])`,
    'redis.sha1hex(ARGV[1])',
  ),
  mutant(
    'a version is a counter, which starts again when it is lost',
    VERSIONS,
    SCRIPTS,
    `redis.sha1hex(ARGV[1] .. '.' .. time[1] .. '.' .. time[2])`,
    `redis.sha1hex('1')`,
  ),
  mutant(
    'a tag that is not there counts as valid',
    VERSIONS,
    READER,
    'stored.get(label) !== versions[i]) return false;',
    'stored.get(label) !== (versions[i] ?? stored.get(label))) return false;',
  ),
  mutant(
    'a tag that is not there counts as valid, where its reader did not name it',
    VERSIONS,
    READER,
    'stored.get(label) === found[i])',
    '(found[i] ?? stored.get(label)) === stored.get(label))',
  ),
  mutant(
    'only the tags that the caller names are compared',
    VERSIONS,
    READER,
    'return others.every(',
    'return true || others.every(',
  ),
  mutant(
    'an entry that does not carry a tag of the caller is good enough',
    VERSIONS,
    READER,
    'if (!named.every(({ label }) => stored.has(label))) return false;',
    '',
  ),
  mutant(
    'a list of tags is taken for another one of the same length',
    VERSIONS,
    LIST,
    'if (names[i] !== this.#names[i]) return false;',
    '',
  ),
  mutant(
    'versions are compared with those of the read before by their number',
    VERSIONS,
    LIST,
    'if (readings[i] !== this.#readings[i]) return false;',
    '',
  ),
  mutant(
    'what was read of a list is compared as if nothing had been read anew',
    VERSIONS,
    LIST,
    'if (readings === this.#readings) return this.#block;',
    'if (this.#block !== undefined) return this.#block;',
  ),
  mutant(
    'a list is read by those whose turn it is not with those whose it is',
    VERSIONS,
    TURN,
    'list.turn === this.#id ? this.#lists[list.place] : undefined',
    'this.#lists[list.place]',
  ),
  mutant(
    'versions are captured after the load',
    VERSIONS,
    FLIGHT,
    'await this.#lease.fill(value, captured,',
    'await this.#lease.fill(value, (await this.#lease.capture(this.request.dependencies.all)) ?? captured,',
  ),
  mutant(
    'what a loader reads through its context is no dependency',
    VERSIONS,
    'load/run-loader.ts',
    'this.#take(this.#dependencies.on(key).label, version);',
    'void version;',
  ),
  mutant(
    'a load is not repeated for tags that were named too late',
    VERSIONS,
    'load/run-loader.ts',
    'const again: unknown = await request.loader(second);',
    'const again: unknown = value;',
  ),
  mutant(
    'a tag ends before the entries that depend on it',
    VERSIONS,
    SCRIPTS,
    `if redis.call('PTTL', key) < tonumber(least) then`,
    'if false then',
  ),
  mutant(
    'a tag ends before an entry whose loader has said how long it lives',
    VERSIONS,
    LEASE_OF,
    'if (ttlMs > this.#request.policy.ttlMs)',
    'if (ttlMs < 0)',
  ),
  mutant(
    'what was invalidated is served as stale, or when the loader fails',
    VERSIONS,
    READER,
    'if (!isValid ||',
    'if ((!isValid && entry.freshUntil >= entry.liveUntil) ||',
  ),
  mutant(
    'who waits for a load takes whatever it has made',
    VERSIONS,
    FLIGHT,
    'this.#look(new Budget(policy.timeoutMs));',
    `this.#parts.reader.store.lease({ ...keys, lease: keys.entry }).then(async (text): Promise<Verdict> => {
        const { decodeEntry } = await import('../entry/envelope.js');
        const entry = decodeEntry(Buffer.from(text ?? ''));
        return entry
          ? { state: 'valid', entry, expiredForMs: 0 }
          : { state: 'missing', judged: '' };
      });`,
  ),
  // Sharing a load within a process
  mutant(
    'a load is shared whatever was invalidated since it began',
    JOINING,
    LEASE_OF,
    'return this.#token.isIn(lease) && before.every(',
    'return true || before.every(',
  ),
  mutant(
    'a load is shared whether or not its lease is still its own',
    JOINING,
    LEASE_OF,
    'return this.#token.isIn(lease) && before.every(',
    'return before.every(',
  ),
  mutant(
    'a load is shared without comparing versions',
    JOINING,
    LEASE_OF,
    'return this.#token.isIn(lease) && before.every(',
    'return this.#token.isIn(lease) || before.every(',
  ),
  mutant(
    'a load is shared by those who name tags that it does not know',
    JOINING,
    FLIGHT,
    'if (!dependencies.all.every(({ label }) => captured.has(label))) return false;',
    '',
  ),
  mutant(
    'a value, a tag of which was named too late, is given to those who came later',
    JOINING,
    FLIGHTS,
    'return loaded?.isComplete ? loaded : undefined;',
    'return loaded;',
  ),
  {
    breaks: 'the abort of one caller reaches another',
    spec: JOINING,
    edits: [
      { file: FLIGHT, find: JOIN_GUARD, replace: '' },
      { file: FLIGHTS, find: ' && !flight.isAborted && isFor', replace: ' && isFor' },
      { file: FLIGHTS, find: ' || flight.isAborted) {', replace: ') {' },
    ],
  },
  mutant(
    'a damaged entry is given to those who waited',
    JOINING,
    VALUES,
    'return found && isReadable(found, request) ? found : undefined;',
    `const isLastKnown = staleForMs !== request.policy.staleForMs;
  return found && (!isLastKnown || isReadable(found, request)) ? found : undefined;`,
  ),
  mutant(
    'a damaged entry is served because the loader fails',
    JOINING,
    VALUES,
    'return found && isReadable(found, request) ? found : undefined;',
    `const isLastKnown = staleForMs !== request.policy.staleForMs;
  return found && (isLastKnown || isReadable(found, request)) ? found : undefined;`,
  ),
  mutant(
    'a read takes what it read of a tag for valid after the outbox has delivered',
    JOINING,
    'outage/outbox.ts',
    'this.#pending = new Map(left);',
    'for (const [key, pending] of this.#pending) if (delivered.has(pending)) this.#pending.delete(key);',
  ),
  // Serializers
  mutant(
    'what another serializer has stored is deserialized',
    SERIALIZERS,
    VALUES,
    `if (kind === 'v' && entry.serializer !== serializer.name) return undefined;`,
    '',
  ),
  mutant(
    'a load is shared by a caller with another serializer',
    SERIALIZERS,
    FLIGHT,
    'if (serializer.name !== this.request.serializer.name) return false;',
    '',
  ),
  mutant(
    'a load that begins is shared by a caller with another serializer',
    SERIALIZERS,
    FLIGHTS,
    'serializer.name === mine.serializer.name &&',
    '',
  ),
  // Outages
  mutant(
    'a load without Redis is shared by those who came after it began',
    OUTAGE,
    FLIGHTS,
    'flight && follows(flight, caller)\n        ?',
    'flight\n        ?',
  ),
  mutant(
    'each caller loads for himself without Redis',
    OUTAGE,
    FLIGHTS,
    'flight && follows(flight, caller)\n        ?',
    'flight && performance.now() < 0\n        ?',
  ),
  mutant(
    'the breaker counts commands that Redis refuses',
    OUTAGE,
    'outage/circuit-breaker.ts',
    'if (!isOutage(error)) {',
    'if (!isOutage(error) && !error.message) {',
  ),
  mutant(
    'a load inside a load waits for a place of its own',
    NESTING,
    'outage/load-gate.ts',
    'if (place) this.#mayHave(place);',
    '',
  ),
  mutant(
    'a load that others wait for inside of theirs waits for a place of its own',
    NESTING,
    FLIGHT,
    'if (isInsidePlace()) this.#turn.borrow();',
    '',
  ),
  mutant(
    'a place that is lent is given to the next one, too',
    NESTING,
    'outage/load-gate.ts',
    'if (!borrower) {',
    'if (!borrower || taken > 0) {',
  ),
  mutant(
    'a load that waits for itself is let wait',
    LOADERS,
    'load/running-load.ts',
    'load.#refuse(this.#client, this.key);',
    '',
  ),
  mutant(
    'a load counts as one that waits after it has been given what it waited for',
    LOADERS,
    'load/running-load.ts',
    'waits.delete(waiting);',
    '',
  ),
  // Many keys in one call
  {
    breaks: 'a loader of many is called before each lease that was asked for is answered',
    spec: ALL_SHARING,
    where: 'on a cluster',
    edits: [
      {
        file: GATHERED,
        find: 'if (this.#undecided === 0) this.#load(gathering);',
        replace: 'this.#load(gathering);',
      },
      {
        file: GATHERED,
        find: 'if (this.#undecided === 0) this.#loadSoon(gathering);',
        replace: 'this.#loadSoon(gathering);',
      },
    ],
  },
  mutant(
    'a loader of many waits for what others load',
    ALL_SHARING,
    FLIGHT,
    'this.#parts.tracing.leaseWait(() => this.#awaitHolder(holder, giveUpAt))',
    `(peers ?? { deciding: <T>(wait: Promise<T>) => wait }).deciding(
            this.#parts.tracing.leaseWait(() => this.#awaitHolder(holder, giveUpAt)),
          )`,
  ),
  inCluster(
    mutant(
      'a loader of many waits for a lease for longer than it may take itself',
      ALL_SHARING,
      GATHERED,
      'loadTimeoutMs / 2',
      'loadTimeoutMs * 2',
    ),
  ),
  mutant(
    'a load that waits for itself through one that is loaded with it is let wait',
    ALL_SHARING,
    GATHERED,
    'isFirst || !this.#first ? values() : this.#first.awaited(values)',
    'values()',
  ),
  mutant(
    'a loader of many is aborted when no caller waits for one of its keys',
    ALL_SHARING,
    GATHERED,
    'if (++left === wanted.length)',
    'if (++left > 0)',
  ),
  mutant(
    'a call that has failed goes on loading',
    ALL_SHARING,
    'load-all.ts',
    'leaving.abort(error);',
    'void error;',
  ),
  mutant(
    'without Redis each key of a call takes a place of its own',
    ALL_OUTAGES,
    FLIGHT,
    'peers?.turn ??',
    '',
  ),
  mutant(
    'a call without Redis keeps its place',
    ALL_OUTAGES,
    'outage/load-gate.ts',
    'if (--this.#loads === 0) this.#leave();',
    '',
  ),
  // Far away
  mutant(
    'a lease that comes too late for its caller is given back',
    FAR,
    PENDING,
    'else if (this.#isGivenUp) this.#claimant.release();',
    'else if (this.isSettled) this.#claimant.release();',
  ),
  mutant(
    'what was loaded before its lease came is stored under it',
    FAR,
    FLIGHT,
    'flight.#start(() => flight.#loadAndFill(versions));',
    `void this.#outcome?.then((loaded) =>
        this.#lease.fill({ kind: 'v', body: loaded?.body ?? Buffer.alloc(0), ttlMs: 60_000, durationMs: 0, isComplete: true }, versions, budget),
      );`,
  ),
  mutant(
    'what an entry depends on is forgotten when there is no time left to read it',
    FAR,
    READER,
    'const found = others.length === 0',
    'reader.remember(key, [], [], []);\n    const found = others.length === 0',
  ),
  mutant(
    'a server is blamed for the time that a caller had spent before',
    FAR,
    'outage/outage-guard.ts',
    'if (now < waiting.deadline) this',
    'if (now < waiting.startedAt) this',
  ),
  // One node of a cluster
  mutant(
    'the reads of one turn wait for each other',
    FROZEN,
    '../batch/read-coalescer.ts',
    'for (const command of turn.commands) void this.#send(command);',
    'void turn.commands.reduce((before, command) => before.then(() => this.#send(command)), Promise.resolve());',
  ),
  mutant(
    'a node that does not answer is held against those asked together with it',
    FROZEN,
    'outage/guarded-read.ts',
    'for (const breaker of this.#unheard) {',
    'for (const breaker of this.#bySlot.values()) {',
  ),
  mutant(
    'only the node of the entry is looked at before several are asked',
    FROZEN,
    'outage/outage-guard.ts',
    'const open = breakers.find(',
    'const open = breakers.slice(0, 1).find(',
  ),
  mutant(
    'an outbox waits for the node that does not answer',
    FROZEN,
    'outage/outbox.ts',
    'const node = this.#nodeOf(key);',
    `const node = '';`,
  ),
  ...nearMutants,
];
