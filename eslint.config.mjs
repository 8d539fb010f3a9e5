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
  globalIgnores(['**/dist/', '**/coverage/', '**/.data/']),
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    files: ['**/*.{ts,mjs,cjs}'],
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
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: {
      parserOptions: { project: './tsconfig.json', tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      '@typescript-eslint/consistent-type-imports': [
        'error',
        // `typeof import('x')` is how an optional peer that is loaded on demand is typed.
        { disallowTypeAnnotations: false },
      ],
      '@typescript-eslint/consistent-type-exports': 'error',
      // A module with decorators and no members is how Nest declares a module.
      '@typescript-eslint/no-extraneous-class': ['error', { allowWithDecorator: true }],
      // Nest and OpenAPI declare plain shapes (options, DTOs) as classes; a literal of the shape will do.
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      // Numbers read the same in a template as they do anywhere; objects do not.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      // It suggests the ! that the strict rules refuse.
      '@typescript-eslint/non-nullable-type-assertion-style': 'off',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      // The prose "a || b" treats '' as absent, which is what an environment variable means by it.
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
    // A library has no console of its own, and the sample has a logger: both are injectable.
    files: ['libs/*/src/**', 'apps/*/src/**'],
    rules: { 'no-console': 'error' },
  },
  {
    files: ['apps/*/src/**/dto/**'],
    rules: {
      // What is spread into a reply is its data; a DTO class has no methods to lose.
      '@typescript-eslint/no-misused-spread': 'off',
    },
  },
  {
    files: tests,
    rules: {
      // What a test reads from a reply is checked by its assertion, not by the compiler.
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      // expect(spy.method) reads the method, it does not call it.
      '@typescript-eslint/unbound-method': 'off',
      // `delete process.env[name]` is how a variable is taken away.
      '@typescript-eslint/no-dynamic-delete': 'off',
      // A double may have nothing to do, or nothing to wait for.
      '@typescript-eslint/no-empty-function': 'off',
      '@typescript-eslint/require-await': 'off',
    },
  },
  {
    // A test that cannot fail is worse than none: it is believed.
    files: ['**/*spec.ts'],
    plugins: { jest },
    rules: {
      'jest/expect-expect': [
        'error',
        // What is waited for and does not come fails the test, too, and so does a case of a contract.
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
