/**
 * @module msgpack MessagePack for cached values: smaller than JSON, and keeps dates, maps, sets and bytes
 * (`msgpackr`, an optional peer of this package).
 */
export { msgpackSerializer } from './msgpack.serializer.js';
