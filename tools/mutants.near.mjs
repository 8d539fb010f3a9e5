/** Mutants of the near copy, for `mutants.list.mjs`. */
const COPY = { spec: 'near-copy.spec', project: 'unit', where: 'NearCopy' };
const MOMENTS = { spec: 'cache-near-protocol' };
const HITS = { spec: 'cache-near.int-spec' };
const PULSE = { spec: 'tracking/pulse.spec', project: 'unit', where: 'Pulse' };
const LINKS = { spec: 'tracking-faults', where: 'Tracking' };
const CHECK = { spec: 'tracking/source-check.spec', project: 'unit', where: 'SourceCheck' };
const SERVERS = { spec: 'tracking-servers', where: 'Tracking' };
const CLUSTER = { spec: 'cache-near-moved', where: 'on a cluster' };

const NEAR_COPY = 'near/near-copy.ts';
const NEAR_ENTRY = 'near/near-entry.ts';
const COHERENCE = 'near/coherence.ts';
const FINDER = 'finder.ts';
const LOCAL = '../connection/local-changes.ts';
const WIRE = '../connection/driver/tracking-wire.ts';
const SERVER_LINK = '../connection/tracking/server-link.ts';
const TRACKING = '../connection/tracking/tracking.ts';
const SOURCE_CHECK = '../connection/tracking/source-check.ts';

const edit = (file, find, replace) => ({ file, find, replace });
const mutant = (breaks, caughtBy, ...edits) => ({ breaks, ...caughtBy, edits });

export const nearMutants = [
  mutant(
    'what was read is kept although it changed before the reply came',
    MOMENTS,
    edit(COHERENCE, ' || !this.#log.isUnchanged(key, since)) return', ') return'),
  ),
  mutant(
    'a near copy serves without a proof that it hears of changes',
    MOMENTS,
    edit(NEAR_COPY, 'entry.isProvenAt(now - this.#options.stalenessMs)', 'now > 0'),
  ),
  mutant(
    'a proof counts from when its answer came',
    PULSE,
    edit(
      '../connection/tracking/pulse.ts',
      'if (sentAt > this.provenAt) this.provenAt = sentAt;',
      'this.provenAt = performance.now();',
    ),
  ),
  mutant(
    'what was kept before a link was lost is served when it is back',
    MOMENTS,
    edit(NEAR_ENTRY, 'return epochsOf(this.#links) === this.#epochs;', 'return true;'),
  ),
  mutant(
    'an entry is confirmed by its load only',
    COPY,
    edit(
      NEAR_COPY,
      'fillId === entry.fillId &&\n      entry.sources.every(({ version }, i) => version === versions[i]);',
      'fillId === entry.fillId && versions.length >= 0;',
    ),
  ),
  mutant(
    'an entry is confirmed by its versions only',
    COPY,
    edit(
      NEAR_COPY,
      'fillId === entry.fillId &&\n      entry',
      'fillId !== undefined &&\n      entry',
    ),
  ),
  mutant(
    'a link is armed before its subscription exists',
    LINKS,
    edit(WIRE, 'await redis.subscribe(CHANNEL);', 'void redis.subscribe(CHANNEL);'),
    edit(SERVER_LINK, 'await this.#provePushes(wire, source);', 'void this.#provePushes;'),
  ),
  mutant(
    'what this process invalidates is dropped when that is done, not before it is sent',
    MOMENTS,
    edit(LOCAL, '    this.tell(keys);\n    try {', '    try {'),
  ),
  mutant(
    'what this process invalidates is dropped before that is sent, not when it is done',
    MOMENTS,
    edit(
      LOCAL,
      '    try {\n      return await change();\n    } finally {\n      this.tell(keys);\n    }',
      '    return change();',
    ),
  ),
  mutant(
    'what only the outbox of this process knows to be invalid is served by its near copy',
    MOMENTS,
    edit(
      'invalidation.ts',
      'this.#changes.tell([key]); // from now on nothing that depends on it is served',
      '',
    ),
  ),
  mutant(
    'what Redis has lost is served by its near copy although this process has invalidated it by a pattern',
    MOMENTS,
    edit(COHERENCE, '        this.#doubtAll();\n', ''),
  ),
  mutant(
    'a value that all callers share is not frozen',
    HITS,
    edit(
      'near/near-bodies.ts',
      'const bytes = freezeDeep(body);',
      'const bytes: number | undefined = freezeDeep([]);',
    ),
  ),
  mutant(
    'where callers share frozen values, one that was not in the process is not frozen',
    HITS,
    edit(
      FINDER,
      'if (this.#options.near?.isFrozen && !(VALUES_ARE_SHARED in serializer)) freezeDeep(value);',
      'if (VALUES_ARE_SHARED in serializer) freezeDeep(value);',
    ),
  ),
  mutant(
    'what is in hash slots that have moved is not doubted',
    COPY,
    edit(NEAR_COPY, 'if (entry.isInSlots(slots)) entry.doubt();', ''),
  ),
  mutant(
    'what came by a redirection is kept',
    CLUSTER,
    edit(COHERENCE, 'redirected(): void {\n    this.#log.allChanged();', 'redirected(): void {'),
  ),
  mutant(
    'a server that has become a replica proves that changes are heard',
    LINKS,
    edit(
      SOURCE_CHECK,
      "if (Array.isArray(reply) && reply[0] !== 'master') {",
      'if (!Array.isArray(reply)) {',
    ),
  ),
  mutant(
    'entries of a tag stay when it is found to have another version',
    COPY,
    edit(
      NEAR_COPY,
      '        source.version = flat(version);\n        this.#change(source);',
      '        source.version = flat(version);',
    ),
  ),
  mutant(
    'a flush is not heard',
    MOMENTS,
    edit(WIRE, 'if (message === null) this.#listener?.flushed();\n    else if', 'if'),
  ),
  mutant(
    'a caller who wants the value of Redis gets that of the near copy',
    HITS,
    edit(
      FINDER,
      'if (!allowsNear(options.near) || !near) return undefined;',
      'if (!near) return undefined;',
    ),
  ),
  mutant(
    'a near copy serves an entry past its time',
    COPY,
    edit(NEAR_COPY, 'now < entry.freshUntil &&', 'now > 0 &&'),
  ),
  mutant(
    'a near copy takes more memory than it may',
    COPY,
    edit(NEAR_COPY, 'this.#bytes > maxBytes || ', ''),
  ),
  mutant(
    'the tags of a near copy are not counted among its bytes',
    COPY,
    edit(
      NEAR_COPY,
      'return this.#entries.bytes + this.#sourceBytes;',
      'return this.#entries.bytes;',
    ),
  ),
  mutant(
    'what is compared by its content is kept in the process',
    COPY,
    edit(
      NEAR_COPY,
      "if (!dependencies?.every(({ by }) => by === 'version')) return;",
      'if (!dependencies) return;',
    ),
  ),
  mutant(
    'a near copy that is closed keeps what it reads',
    COPY,
    edit(NEAR_COPY, '    if (this.#isClosed) return;', ''),
  ),
  mutant(
    'a near copy serves an entry longer than it was made for',
    COPY,
    edit(
      NEAR_COPY,
      'Math.min(entry.freshUntil - serverMs + atMs, longest)',
      'Math.max(entry.freshUntil - serverMs + atMs, now - longest)',
    ),
  ),
  mutant(
    'a change of a value whose name is like that of a proof is not heard',
    HITS,
    edit(TRACKING, '`${prefix}:near-probe:`', '`${prefix}near-probe:`'),
  ),
  mutant(
    'the changes of keys are followed that are not the keys of the client',
    SERVERS,
    edit(TRACKING, "if (client.options.keyPrefix) return 'The client has a keyPrefix.';", ''),
  ),
  mutant(
    'a server that did not say its role in time is not asked again',
    CHECK,
    edit(SOURCE_CHECK, 'this.#askRoleAt = momentAfter(error);', 'this.#askRoleAt = Infinity;'),
  ),
];
