import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

/**
 * Lists sources that contain only types and compile to nothing. They have no line to cover, but V8 would
 * count each of their lines as not covered.
 */
export function typeOnlySources(folders) {
  return folders
    .flatMap((folder) => readdirSync(folder, { recursive: true }).map((file) => join(folder, file)))
    .filter((file) => file.endsWith('.ts') && compilesToNothing(readFileSync(file, 'utf8')));
}

function compilesToNothing(source) {
  const compilerOptions = { module: ts.ModuleKind.ESNext, removeComments: true };
  const { outputText } = ts.transpileModule(source, { compilerOptions });
  return outputText.replace('export {};', '').trim() === '';
}
