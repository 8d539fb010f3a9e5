/**
 * Finds cycles between the parts of a folder. A part is a file or a subfolder that lies directly in it.
 *
 * dependency-cruiser sees a cycle of files and a cycle of sibling folders. It does not see a file that
 * imports from a subfolder while another file of that subfolder imports it, or its neighbour, back.
 */
const SOURCE = /^(?:libs|apps)\/[^/]+\/src\//;
const SPEC = /\.spec\.ts$/;

/**
 * @param files as dependency-cruiser lists them: `source`, and `resolved` of each of its `dependencies`
 * @returns one shortest cycle for each folder that has any
 */
export function partCycles(files) {
  const imports = files.flatMap(({ source, dependencies }) =>
    dependencies
      .map(({ resolved }) => [source, resolved])
      // A unit test may import files above it.
      .filter((ends) => ends.every((file) => SOURCE.test(file) && !SPEC.test(file))),
  );
  const folders = new Set(imports.flatMap(([from]) => foldersOf(from)));
  return [...folders].sort().flatMap((folder) => {
    const cycle = shortestCycle(arrowsIn(folder, imports));
    return cycle ? [{ folder, ...cycle }] : [];
  });
}

/** `libs/redis/src`, `libs/redis/src/cache`, ... of a file below them. */
function foldersOf(file) {
  const names = file.split('/').slice(0, -1);
  return names.slice(2).map((_, at) => names.slice(0, at + 3).join('/'));
}

/** Part -> the parts it imports, each with one import as a proof. */
function arrowsIn(folder, imports) {
  const inside = `${folder}/`;
  const partOf = (file) =>
    file.startsWith(inside) ? file.slice(inside.length).split('/')[0] : undefined;
  const arrows = new Map();
  for (const [from, to] of imports) {
    const [part, other] = [partOf(from), partOf(to)];
    if (!part || !other || part === other) continue;
    const proof = `${from.slice(inside.length)} imports ${to.slice(inside.length)}`;
    arrows.set(part, new Map([[other, proof], ...(arrows.get(part) ?? [])]));
  }
  return arrows;
}

function shortestCycle(arrows) {
  const ways = [...arrows.keys()].map((part) => wayBack(part, arrows)).filter(Boolean);
  const [parts] = ways.sort((a, b) => a.length - b.length);
  return (
    parts && { parts, proofs: parts.slice(1).map((part, at) => arrows.get(parts[at]).get(part)) }
  );
}

/** The shortest way along the arrows from a part back to itself. */
function wayBack(start, arrows) {
  const seen = new Set();
  let ways = [[start]];
  while (ways.length > 0) {
    ways = ways.flatMap((way) =>
      [...(arrows.get(way.at(-1))?.keys() ?? [])]
        .filter((part) => !seen.has(part) && seen.add(part))
        .map((part) => [...way, part]),
    );
    const back = ways.find((way) => way.at(-1) === start);
    if (back) return back;
  }
  return undefined;
}
