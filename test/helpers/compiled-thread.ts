import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { runInThisContext } from 'node:vm';
import type * as TypeScript from 'typescript';

// A thread is started from a file that Node can run, and a spec has only sources. Mocked in place of
// `src/runners/onnx/thread-file`, this compiles the rooms that threads are made of, once for each
// state of their files:
//   jest.mock('./thread-file', () => jest.requireActual<object>('../../../test/helpers/compiled-thread'));

const ROOMS = ['errors', 'common', 'config/yaml', 'tensors', 'process', 'processing', 'runners/onnx'];
const PROJECT = join(__dirname, '..', '..');
// Inside the project, so that the compiled files find its packages.
const CACHE = join(PROJECT, 'node_modules', '.cache', 'nestor-threads');

// Jest gives a spec a copy of the environment; the runtime reads the real one.
runInThisContext("process.env.ORT_DISABLE_TELEMETRY ??= '1'");

/** The folder with the rooms in JavaScript. */
export const COMPILED = compile();
export const THREAD_FILE = join(COMPILED, 'runners', 'onnx', 'session-thread.entry.js');
export const PREPARE_FILE = join(COMPILED, 'runners', 'onnx', 'prepared', 'prepare.entry.js');
export const PROCESSING_THREAD_FILE = join(COMPILED, 'processing', 'pool', 'processing-thread.entry.js');

function compile(): string {
  const sources = ROOMS.flatMap((room) => sourcesOf(room));
  const hash = createHash('sha256');
  for (const { name, text } of sources) hash.update(name).update('\0').update(text).update('\0');
  const state = hash.digest('hex').slice(0, 16);
  const folder = join(CACHE, state);
  if (existsSync(folder)) return folder;

  mkdirSync(CACHE, { recursive: true });
  for (const old of readdirSync(CACHE)) {
    if (old !== state && !old.startsWith('draft-'))
      rmSync(join(CACHE, old), { recursive: true, force: true });
  }
  const draft = mkdtempSync(join(CACHE, 'draft-'));
  for (const { name, text } of sources) {
    const path = join(draft, name.replace(/\.ts$/, '.js'));
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, transpile(name, text));
  }
  try {
    renameSync(draft, folder);
  } catch (error) {
    // Another spec was quicker.
    if (!existsSync(folder)) throw error;
  }
  return folder;
}

function sourcesOf(room: string): { name: string; text: string }[] {
  return readdirSync(join(PROJECT, 'src', room), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.spec.ts'))
    .sort()
    .map((file) => ({
      name: join(room, file),
      text: readFileSync(join(PROJECT, 'src', room, file), 'utf8'),
    }));
}

function transpile(fileName: string, text: string): string {
  const ts = createRequire(__filename)('typescript') as typeof TypeScript;
  const { outputText } = ts.transpileModule(text, {
    fileName,
    compilerOptions: {
      module: ts.ModuleKind.CommonJS,
      target: ts.ScriptTarget.ES2023,
      esModuleInterop: true,
      experimentalDecorators: true,
      emitDecoratorMetadata: true,
      useDefineForClassFields: false,
    },
  });
  return outputText;
}
