import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Test } from '@nestjs/testing';
import { addModel, slowModel } from '../../../test/helpers/onnx-models';
import { clusterConfig, modelsConfig } from '../../config/config.slices';
import type { Tensor } from '../../tensors/tensor';
import { Ipc } from '../../process/ipc/ipc.service';
import { PreparedModels } from './prepared/prepared-models';
import { RunRecording } from '../../process/run-recording';
import { type OpenOptions, SessionFactory } from './session-factory';
import { CPU_PLAN } from '../../process/cpu/cpu.module';

jest.mock('./thread-file', () => jest.requireActual<object>('../../../test/helpers/compiled-thread'));

let folder: string;
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'nestor-factory-'))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function factory(): Promise<SessionFactory> {
  const module = await Test.createTestingModule({
    providers: [
      SessionFactory,
      RunRecording,
      PreparedModels,
      Ipc,
      { provide: clusterConfig.KEY, useValue: { workers: 0, executionSlots: 1, threadNiceness: 0 } },
      { provide: modelsConfig.KEY, useValue: { loadTimeoutMs: 20_000, smallModelBytes: 64 * 1024 } },
      { provide: CPU_PLAN, useValue: { quota: 1, workers: 0, slots: 1, intraOpThreads: 1 } },
    ],
  }).compile();
  return module.get(SessionFactory);
}

function optionsFor(name: string, model: Uint8Array, instances = 1): OpenOptions {
  const modelFile = join(folder, name);
  writeFileSync(modelFile, model);
  return {
    modelFile,
    instances,
    intraOpThreads: undefined,
    interOpThreads: 1,
    graphOptimization: 'all',
    executionProviders: ['cpu'],
    sizeBytes: model.length,
    nodes: 1,
    unchanged: () => Promise.resolve(true),
  };
}

const FOUR: Tensor = { name: 'x', datatype: 'FP32', shape: [1, 4], data: new Float32Array(4) };

describe('SessionFactory', () => {
  it('opens runners that run on real threads', async () => {
    const sessions = await factory();
    const runner = await sessions.open(optionsFor('add.onnx', addModel(4), 2));
    const a = { ...FOUR, name: 'a', data: new Float32Array([1, 2, 3, 4]) };
    const runs = await Promise.all([1, 2].map(() => runner.run([[a, { ...a, name: 'b' }]])));
    for (const [sum] of runs) expect(sum?.data).toEqual(new Float32Array([2, 4, 6, 8]));
    await runner.close();
    await sessions.onApplicationShutdown();
  });

  it('gives a model of many nodes a thread of its own, however small its file is', async () => {
    const sessions = await factory();
    const options = { ...optionsFor('nodes.onnx', addModel()), intraOpThreads: 1 };
    expect([500, 501, Infinity].map((nodes) => sessions.isSmall({ ...options, nodes }))).toEqual([
      true,
      false,
      false,
    ]);
    await sessions.onApplicationShutdown();
  });

  it('closes what is open when the application ends, after the runs in progress', async () => {
    const sessions = await factory();
    const runner = await sessions.open(optionsFor('slow.onnx', slowModel(300)));
    const run = runner.run([[FOUR]]);
    const opening = expect(sessions.open(optionsFor('late.onnx', addModel()))).rejects.toMatchObject({
      code: expect.stringMatching(/model_unavailable|draining/) as string,
    });
    await sessions.onApplicationShutdown();
    await opening;
    expect((await run)[0]?.shape).toEqual([1, 4]);
    expect(runner.concurrency).toBe(0);
    await expect(sessions.open(optionsFor('after.onnx', addModel()))).rejects.toMatchObject({
      code: 'draining',
    });
  });
});
