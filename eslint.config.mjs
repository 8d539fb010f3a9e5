/**
 * typescript-eslint's strict, type-checked rules, and a few of our own. Types come from the root
 * tsconfig.json, whose paths lead to sources: linting needs no build.
 */
import eslint from '@eslint/js';
import { defineConfig, globalIgnores } from 'eslint/config';
import jest from 'eslint-plugin-jest';
import tseslint from 'typescript-eslint';

const tests = ['**/*spec.ts', 'test/**', 'libs/*/test/**'];

/** A rule switched off without a reason in words is a question for every later reader. */
const directiveNeedsReason = {
  meta: { type: 'problem', schema: [] },
  create: (context) => ({
    Program() {
      for (const comment of context.sourceCode.getAllComments()) {
        const text = comment.value.trim();
        if (/^eslint-disable/.test(text) && !/\s--\s+\S/.test(text)) {
          context.report({
            loc: comment.loc,
            message: 'Say why: eslint-disable... rule -- reason',
          });
        }
      }
    },
  }),
};

export default defineConfig(
  globalIgnores(['**/dist/', '**/coverage/', '**/.data/', 'docs/public/']),
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    files: ['**/*.{ts,cts,mjs,cjs}'],
    plugins: { local: { rules: { 'directive-needs-reason': directiveNeedsReason } } },
    extends: [eslint.configs.recommended],
    rules: { 'local/directive-needs-reason': 'error', eqeqeq: 'error' },
  },
  {
    files: ['**/*.{mjs,cjs}'],
    languageOptions: {
      globals: Object.fromEntries(
        [
          'process',
          'console',
          'performance',
          'require',
          'module',
          'exports',
          'URL',
          'fetch',
          'setTimeout',
        ].map((name) => [name, 'readonly']),
      ),
    },
  },
  {
    files: ['**/*.{ts,cts}'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: {
      parserOptions: { project: './tsconfig.json', tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      '@typescript-eslint/consistent-type-imports': [
        'error',
        // `typeof import('x')` is the type of an optional peer that is loaded on demand.
        { disallowTypeAnnotations: false },
      ],
      '@typescript-eslint/consistent-type-exports': 'error',
      // Nest declares a module as a class with decorators and without members.
      '@typescript-eslint/no-extraneous-class': ['error', { allowWithDecorator: true }],
      // Nest and OpenAPI declare plain shapes (options, DTOs) as classes; a literal of the shape will do.
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      // Numbers print well in a template; objects do not.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      // It suggests the `!` that the strict rules refuse.
      '@typescript-eslint/non-nullable-type-assertion-style': 'off',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      // `a || b` treats '' as absent, as an environment variable means it.
      '@typescript-eslint/prefer-nullish-coalescing': [
        'error',
        { ignorePrimitives: { string: true } },
      ],
      'no-restricted-syntax': [
        'error',
        {
          selector:
            "ImportDeclaration:has(ImportDefaultSpecifier):has(ImportSpecifier[importKind='type'])",
          message:
            'Write two imports, one of the value and one of the types: the check of the layers takes this ' +
            'one for types alone.',
        },
      ],
    },
  },
  {
    // A library must not write to the console, and the sample has a logger.
    files: ['libs/*/src/**', 'apps/*/src/**'],
    rules: { 'no-console': 'error' },
  },
  {
    files: ['apps/*/src/**/dto/**'],
    rules: {
      // A DTO class has no methods that spreading into a reply could lose.
      '@typescript-eslint/no-misused-spread': 'off',
    },
  },
  {
    files: tests,
    rules: {
      // The assertion checks what a test reads from a reply, not the compiler.
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      // expect(spy.method) reads the method, it does not call it.
      '@typescript-eslint/unbound-method': 'off',
      // `delete process.env[name]` removes a variable.
      '@typescript-eslint/no-dynamic-delete': 'off',
      // A test double may have nothing to do, or nothing to await.
      '@typescript-eslint/no-empty-function': 'off',
      '@typescript-eslint/require-await': 'off',
    },
  },
  {
    // A test that cannot fail is worse than none.
    files: ['**/*spec.ts'],
    plugins: { jest },
    rules: {
      'jest/expect-expect': [
        'error',
        // A failed wait fails the test, too, and so does a case of a contract.
        {
          assertFunctionNames: ['expect', 'expect*', '*.expect*', 'waitUntil', 'eventually', 'run'],
        },
      ],
      'jest/no-focused-tests': 'error',
      'jest/no-identical-title': 'error',
      'jest/valid-expect': 'error',
      'jest/valid-expect-in-promise': 'error',
    },
  },
);
