import type { CacheSerializer } from '../../serialization/cache-serializer.js';
import { jsonSerializer } from '../../serialization/json-bodies.js';
import type { Entry } from '../entry/envelope.js';
import { freezeDeep, textBytes } from './frozen-value.js';
import { VALUES_ARE_SHARED, type NearBody } from './near-entry.js';

/** A body as it is kept, and how many bytes it takes. */
interface HeldBody {
  readonly body: NearBody;
  readonly bytes: number;
}

/**
 * Makes of stored bodies what a near copy keeps: a text, because many small buffers take more memory than
 * they hold, or one value for all callers.
 *
 * @internal
 */
export class NearBodies {
  readonly #isFrozen: boolean;

  constructor(isFrozen: boolean) {
    this.#isFrozen = isFrozen;
  }

  /** @returns `undefined` if no value can be made of it */
  make(entry: Entry, serializer: CacheSerializer<unknown>, key: string): HeldBody | undefined {
    if (entry.kind !== 'v') return NO_BODY;
    if (entry.serializer !== serializer.name) return undefined;
    const { body: stored } = entry;
    if (VALUES_ARE_SHARED in serializer) {
      const body = serializer.deserialize(stored, key);
      return { body: { form: 'shared', body, by: serializer }, bytes: stored.length };
    }
    if (this.#isFrozen) {
      const body = serializer.deserialize(stored, key);
      const bytes = freezeDeep(body);
      if (bytes !== undefined) return { body: { form: 'shared', body, by: serializer }, bytes };
    }
    if (serializer === jsonSerializer) {
      const body = stored.toString();
      return { body: { form: 'text', body }, bytes: textBytes(body) };
    }
    return { body: { form: 'bytes', body: stored.toString('latin1') }, bytes: stored.length };
  }
}

const NO_BODY: HeldBody = { body: { form: 'bytes', body: '' }, bytes: 0 };
