/**
 * Lets plain Node require this repository's TypeScript sources, for code outside of Jest's transformation:
 * its global set-up, and the processes that tests start and kill.
 *
 * Usage, from a CommonJS file: `require("./typescript-hook.cjs"); require("./some.ts");`
 */
const { existsSync } = require('node:fs');
const Module = require('node:module');
const path = require('node:path');
const { transformFileSync } = require('@swc/core');

const resolveFilename = Module._resolveFilename;

/** Sources import './file.js' and './file.cjs', as they will once built; here that is './file.ts', or '.cts'. */
Module._resolveFilename = function resolveTypeScript(request, parent, ...rest) {
  if (/^\.{1,2}\/.*\.c?js$/.test(request) && parent?.filename?.endsWith('.ts')) {
    const typed = request.replace(/js$/, 'ts');
    const source = path.resolve(path.dirname(parent.filename), typed);
    if (existsSync(source)) return source;
  }
  return resolveFilename.call(this, request, parent, ...rest);
};

Module._extensions['.ts'] = Module._extensions['.cts'] = function compile(module, filename) {
  const { code } = transformFileSync(filename, {
    module: { type: 'commonjs' },
    jsc: {
      target: 'es2022',
      parser: { syntax: 'typescript', decorators: true },
      transform: { legacyDecorator: true, decoratorMetadata: true },
    },
  });
  module._compile(code, filename);
};
