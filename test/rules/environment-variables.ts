import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

const variableName = /^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$/;

/**
 * The environment variables that the sources of these folders read: members of a class that stands
 * for an environment (spelled in capitals), and `env.NAME` or `env['NAME']` anywhere.
 */
export function variablesReadIn(folders: readonly string[]): string[] {
  const names = new Set<string>();
  for (const file of folders.flatMap(sourcesIn)) {
    const text = readFileSync(file, 'utf8');
    collect(ts.createSourceFile(file, text, ts.ScriptTarget.Latest), names);
  }
  return [...names].sort();
}

function sourcesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.spec.ts'))
    .map((file) => join(folder, file));
}

function collect(node: ts.Node, names: Set<string>): void {
  const name = nameRead(node);
  if (name !== undefined && variableName.test(name)) {
    names.add(name);
  }
  ts.forEachChild(node, (child) => {
    collect(child, names);
  });
}

function nameRead(node: ts.Node): string | undefined {
  if (ts.isPropertyDeclaration(node) && !isStatic(node) && ts.isIdentifier(node.name)) {
    return node.name.text;
  }
  if (ts.isPropertyAccessExpression(node) && isEnvironment(node.expression)) {
    return node.name.text;
  }
  if (ts.isElementAccessExpression(node) && isEnvironment(node.expression)) {
    return ts.isStringLiteral(node.argumentExpression) ? node.argumentExpression.text : undefined;
  }
  return undefined;
}

function isStatic(node: ts.PropertyDeclaration): boolean {
  return node.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.StaticKeyword) ?? false;
}

/** `env`, `process.env`, `options.env` */
function isEnvironment(node: ts.Expression): boolean {
  return ts.isIdentifier(node)
    ? node.text === 'env'
    : ts.isPropertyAccessExpression(node) && node.name.text === 'env';
}
