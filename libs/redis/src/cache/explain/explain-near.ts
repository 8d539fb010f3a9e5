import type { KeyPart } from '../../keys/key-encoding.js';
import type { CacheSerializer } from '../../serialization/cache-serializer.js';
import type { Dependencies } from '../entry/dependencies.js';
import type { NearCaller, NearCopy } from '../near/near-copy.js';
import type { NearEntry } from '../near/near-entry.js';
import type { ExplainedNear } from './explanation.js';

/** A near copy, and what a call would ask it for. */
export interface NearQuestion {
  readonly copy: NearCopy;
  readonly key: string;
  readonly caller: NearCaller & { readonly near?: boolean | undefined };
  /** That of the call; `undefined` for the one that has stored the entry. */
  readonly serializer: CacheSerializer<unknown> | undefined;
  readonly dependencies: Dependencies;
  readonly stalenessMs: number;
}

/** Says whether a call would be served from a near copy now. Sends nothing, and counts nothing. */
export function explainNear(question: NearQuestion | undefined): ExplainedNear {
  if (!question) return { isOn: false, isHeld: false, isServed: false, isArmed: false };
  const { copy, key } = question;
  const entry = copy.peek(key);
  const { isArmed } = copy.state;
  const reason = whyNotServed(question, entry);
  return {
    isOn: true,
    isHeld: entry !== undefined,
    isServed: reason === undefined,
    ...(reason !== undefined && { reason }),
    ...(entry && { bytes: entry.bytes }),
    isArmed,
  };
}

function whyNotServed(question: NearQuestion, entry: NearEntry | undefined): string | undefined {
  const { copy, caller, serializer, dependencies, stalenessMs } = question;
  if (caller.near === false) return 'The call asks for the value of Redis (near: false).';
  if (!entry) return 'It holds no such entry.';
  if (!entry.isUnchanged) return 'Something that the entry depends on has changed.';
  if (!entry.isConfirmed) {
    return copy.state.isArmed
      ? 'The link to Redis was lost since the entry was read: the next call compares the two.'
      : 'The link to Redis is lost: once it is back, the next call compares the entry with Redis.';
  }
  const now = performance.now();
  if (now >= entry.freshUntil) return 'The entry is not fresh any more.';
  if (!entry.isProvenAt(now - stalenessMs)) {
    return `No sign of life of Redis is younger than ${stalenessMs} ms (staleness).`;
  }
  const labelOf = (tag: KeyPart) => dependencies.tag(tag).label;
  if (!entry.dependsOn(caller.tags, caller.dependsOn, labelOf)) {
    return 'The entry does not depend on everything that the call names.';
  }
  if (serializer && !entry.isFor(serializer))
    return `The serializer "${serializer.name}" has not made it.`;
  return copy.isCertain(entry) ? undefined : 'It has just become uncertain.';
}
