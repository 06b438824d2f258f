import js from '@eslint/js';
import prettier from 'eslint-config-prettier';
import tseslint from 'typescript-eslint';

export default tseslint.config(
  // The examples import the package as it is published: the spec that packs it compiles them.
  { ignores: ['**/dist/', 'dist-*/', 'coverage/', 'node_modules/', 'logs/', 'examples/'] },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [...tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
    },
  },
  {
    files: ['src/**/*.ts'],
    ignores: ['src/config/**'],
    rules: {
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'env', message: 'Only src/config reads the environment.' },
      ],
    },
  },
  {
    files: ['**/*.js', '**/*.cjs', '**/*.mjs'],
    languageOptions: {
      globals: {
        require: 'readonly',
        module: 'writable',
        process: 'readonly',
        console: 'readonly',
        __dirname: 'readonly',
        Buffer: 'readonly',
        URL: 'readonly',
        setTimeout: 'readonly',
        fetch: 'readonly',
      },
    },
  },
  {
    // What browsers have: the page is served as it is written.
    files: ['site/**/*.js'],
    languageOptions: {
      sourceType: 'module',
      globals: Object.fromEntries(
        [
          ...[
            'AbortController',
            'Blob',
            'File',
            'Headers',
            'Image',
            'URL',
            'URLSearchParams',
            'Node',
            'TextEncoder',
          ],
          ...[
            'addEventListener',
            'removeEventListener',
            'clearTimeout',
            'setTimeout',
            'setInterval',
            'fetch',
          ],
          ...[
            'createImageBitmap',
            'devicePixelRatio',
            'CSS',
            'innerHeight',
            'document',
            'getComputedStyle',
            'history',
            'innerWidth',
          ],
          ...[
            'location',
            'matchMedia',
            'navigator',
            'performance',
            'requestAnimationFrame',
            'scrollTo',
            'scrollY',
            'window',
          ],
        ].map((name) => [name, 'readonly']),
      ),
    },
  },
  prettier,
);
