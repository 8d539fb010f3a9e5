import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A row of the table of permissions in the guide. */
export interface AclRow {
  readonly feature: string;
  /** The features whose permissions this one needs as well. */
  readonly needs: readonly string[];
  /** What the feature adds, as rules of `ACL SETUSER`, with the names of the tests' application. */
  readonly rules: readonly string[];
}

const GUIDE = join(__dirname, '../../../../../docs/guide/security.md');

/** The application whose keys the tests may touch. */
export const ACL_APP = { app: 'acl', environment: 'test' } as const;

/** Reads the table of docs/guide/security.md, so that what is documented is what is tried. */
export function readAclTable(): readonly AclRow[] {
  const [, section = ''] = readFileSync(GUIDE, 'utf8').split('\n## Minimal permissions\n');
  const lines = section.split('\n## ')[0]?.split('\n') ?? [];
  return lines
    .filter((line) => line.startsWith('| **'))
    .map((line) => {
      const cells = line.split(/(?<!\\)\|/).slice(1, -1);
      const [feature = '', needs = '', commands = '', keys = ''] = cells.map((cell) => cell.trim());
      return {
        feature: plain(feature),
        needs: needs === '' ? [] : needs.split(',').map(plain),
        rules: [...codesIn(commands), ...codesIn(keys)],
      };
    });
}

/** The rules of the line below the table, beside those that every user is made with. */
export function readAclLine(): string[] {
  const [, line = ''] =
    /^ACL SETUSER api on >password resetchannels -@all (.*)$/m.exec(readFileSync(GUIDE, 'utf8')) ??
    [];
  return line.split(' ').map(ofTests);
}

/** The rules of a feature, with those of all that it needs. */
export function rulesFor(feature: string, table = readAclTable()): readonly string[] {
  const row = table.find((one) => one.feature === feature);
  if (!row) throw new Error(`the guide has no row for ${feature}`);
  const inherited = row.needs.flatMap((need) => rulesFor(need, table));
  return [...new Set([...inherited, ...row.rules])];
}

function plain(cell: string): string {
  return cell.replaceAll('*', '').trim();
}

function codesIn(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, code = '']) => ofTests(code));
}

function ofTests(rule: string): string {
  return rule
    .replaceAll('\\|', '|')
    .replaceAll('myapp', ACL_APP.app)
    .replaceAll('production', ACL_APP.environment);
}
