/**
 * Every TypeScript block of the documents compiles under this repository's own strict settings. A
 * block is a module of its own; one that begins with a comment such as `// app.module.ts` has that
 * name, so that the other blocks of its document can import it.
 */
import { dirname, join, resolve } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import ts from 'typescript';
import { readDocuments, type Document } from './documents.js';

/** Where the blocks seem to be; nothing is written. */
const FOLDER = resolve('test/rules/snippets');

interface Snippet {
  readonly file: string;
  readonly text: string;
}

const snippets = readDocuments().flatMap(snippetsOf);
const problems = diagnose(snippets);

describe('the TypeScript blocks of the documents', () => {
  it('are found at all', () => {
    expect(snippets.length).toBeGreaterThan(15);
  });

  it('are each complete: they import or export something', () => {
    expect(snippets.filter(({ text }) => !/^(import|export) /m.test(text))).toEqual([]);
  });

  it.each(snippets)('compile: $file', ({ file }) => {
    expect(problems.get(file)).toEqual([]);
  });
});

function snippetsOf({ path, text }: Document): Snippet[] {
  const blocks = [...text.matchAll(/^```ts\n([^]*?)^```$/gm)].map(([, code = '']) => code);
  return blocks.map((code, i) => {
    const name = /^\/\/ ([\w.-]+\.ts)\n/.exec(code)?.[1] ?? `block-${i + 1}.ts`;
    return { file: join(path, name), text: code };
  });
}

function diagnose(sources: readonly Snippet[]): ReadonlyMap<string, readonly string[]> {
  const options = readOptions();
  const texts = new Map(sources.map(({ file, text }) => [join(FOLDER, file), text]));
  const program = ts.createProgram([...texts.keys()], options, hostOf(texts, options));
  return new Map(sources.map(({ file }) => [file, problemsIn(join(FOLDER, file), program)]));
}

/** In this file only: the library's own sources are checked elsewhere. */
function problemsIn(path: string, program: ts.Program): string[] {
  const file = program.getSourceFile(path);
  if (!file) return [`${path} is not in the program`];
  return [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)].map(
    ({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'),
  );
}

function readOptions(): ts.CompilerOptions {
  const file = resolve('tsconfig.json');
  const { config } = ts.readConfigFile(file, (path) => ts.sys.readFile(path)) as { config: object };
  const { options } = ts.parseJsonConfigFileContent({ ...config, files: [] }, ts.sys, resolve('.'));
  // An example may show more than it uses.
  return { ...options, noUnusedLocals: false, noUnusedParameters: false };
}

/** The file system, with the blocks in it. */
function hostOf(texts: ReadonlyMap<string, string>, options: ts.CompilerOptions): ts.CompilerHost {
  const host = ts.createCompilerHost(options);
  const folders = new Set([...texts.keys()].map((path) => dirname(path)));
  return {
    ...host,
    fileExists: (path) => texts.has(path) || host.fileExists(path),
    directoryExists: (path) => folders.has(path) || ts.sys.directoryExists(path),
    readFile: (path) => texts.get(path) ?? host.readFile(path),
    getSourceFile: (path, languageVersion, ...more) => {
      const text = texts.get(path);
      return text === undefined
        ? host.getSourceFile(path, languageVersion, ...more)
        : ts.createSourceFile(path, text, languageVersion);
    },
  };
}
