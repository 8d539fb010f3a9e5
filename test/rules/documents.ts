import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Document {
  /** Relative to the repository. */
  readonly path: string;
  readonly text: string;
}

/** Reads the documents: the two READMEs, the folders of `docs` and the files beside them. */
export function readDocuments(): Document[] {
  const folders = ['docs/guide', 'docs/concepts', 'docs/recipes', 'docs/migration', 'docs/adr'];
  const inFolders = folders.flatMap((folder) =>
    readdirSync(folder).map((name) => join(folder, name)),
  );
  const others = ['README.md', 'libs/redis/README.md', 'CONTRIBUTING.md', 'CHANGELOG.md'];
  return [...others, 'docs/compare.md', ...inFolders]
    .filter((path) => path.endsWith('.md'))
    .map((path) => ({ path, text: readFileSync(path, 'utf8') }));
}

/** The document without its fenced blocks and inline code, in which nothing is a link or a heading. */
export function proseOf({ text }: Document): string {
  return text.replace(/^```[^]*?^```$/gm, '').replace(/`[^`\n]*`/g, (code) => code.slice(1, -1));
}
