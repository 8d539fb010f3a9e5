/**
 * How cost grows: with callers, with the size of values, with tags, with the number of entities, and with
 * the number of entries under one tag that is invalidated.
 *
 * Usage: npm run build && node benchmarks/growth.bench.mjs [callers] [sizes] [tags] [entities] [invalidation] [pages]
 *
 * Without names all parts run, one after the other. Each writes `benchmarks/results/growth-<part>.json`;
 * `pages` draws them, and puts their tables into the guide.
 */
import { measureEntities } from './growth/entities.mjs';
import { measureCallers, measureSizes, measureTags } from './growth/hits.mjs';
import { measureInvalidation } from './growth/invalidation.mjs';
import { writePages } from './growth/pages.mjs';
import { runParts } from './support/parts.mjs';

await runParts({
  callers: measureCallers,
  sizes: measureSizes,
  tags: measureTags,
  entities: measureEntities,
  invalidation: measureInvalidation,
  pages: writePages,
});
