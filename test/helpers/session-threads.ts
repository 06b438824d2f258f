import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SessionOptions } from '../../src/runners/onnx/session-options';
import {
  openAlone,
  SessionThread,
  type ThreadOptions,
  type ThreadSession,
} from '../../src/runners/onnx/session-thread';
import type { Datatype, TensorData } from '../../src/tensors/datatype';
import { elementCount } from '../../src/tensors/shape';
import type { Tensor } from '../../src/tensors/tensor';

export const TIMEOUT_MS = 20_000;

/** Where this spec's models lie; its threads are closed after each test, the folder goes at the end. */
export const folder = realpathSync(mkdtempSync(join(tmpdir(), 'nestor-sessions-')));
afterEach(() => SessionThread.endAll());
afterAll(() => rmSync(folder, { recursive: true, force: true }));

export function optionsFor(modelFile: string, changes: Partial<SessionOptions> = {}): SessionOptions {
  return {
    modelFile,
    intraOpThreads: 1,
    interOpThreads: 1,
    graphOptimization: 'all',
    executionProviders: ['cpu'],
    ...changes,
  };
}

/** The model's file, in a folder of its own. */
export function saved(model: Uint8Array): string {
  const file = join(mkdtempSync(join(folder, 'm-')), 'model.onnx');
  writeFileSync(file, model);
  return file;
}

export function open(
  model: Uint8Array | string,
  changes?: Partial<SessionOptions>,
  thread?: Partial<ThreadOptions>,
): Promise<ThreadSession> {
  const file = typeof model === 'string' ? model : saved(model);
  return openAlone(optionsFor(file, changes), { niceness: 0, timeoutMs: TIMEOUT_MS, ...thread });
}

export function tensor(name: string, datatype: Datatype, shape: number[], data: TensorData): Tensor {
  return { name, datatype, shape, data };
}

/** FP32, counting up from `start`. */
export function floats(shape: number[], start = 0, name = 'x'): Tensor {
  const length = elementCount(shape);
  return tensor(
    name,
    'FP32',
    shape,
    Float32Array.from({ length }, (_, i) => start + i),
  );
}

/** Matches an error of this code whose message has this text in it. */
export function refusal(code: string, message: string): object {
  return expect.objectContaining({ code, message: expect.stringContaining(message) as string }) as object;
}
