import { setImmediate as turn } from 'node:timers/promises';
import type { Tensor } from '../../tensors/tensor';
import type { SessionOptions } from './session-options';
import { SessionRunner } from './session-runner';
import { openAlone } from './session-thread';

jest.mock('./thread-file', () => ({
  THREAD_FILE: jest
    .requireActual<typeof import('node:path')>('node:path')
    .join(__dirname, '../../../test/helpers/dying-thread.js'),
}));

type Moment = 'load' | 'idle' | 'run' | 'throw';

const X: Tensor = { name: 'x', datatype: 'FP32', shape: [1], data: new Float32Array(1) };
const UNCHANGED = (): Promise<boolean> => Promise.resolve(true);
const THREAD = { niceness: 0, timeoutMs: 20_000 };

function dyingAt(moment: Moment): SessionOptions {
  return {
    modelFile: moment,
    intraOpThreads: 1,
    interOpThreads: 1,
    graphOptimization: 'all',
    executionProviders: ['cpu'],
  };
}

describe('a session thread that dies', () => {
  it.each([
    ['run', 'the thread ended by itself'],
    ['throw', 'the thread had a fault'],
  ] as const)('rejects the run under way: %s', async (moment, reason) => {
    const thread = await openAlone(dyingAt(moment), THREAD);
    const death = { code: 'runtime_failure', message: expect.stringContaining(reason) as string };
    await expect(thread.run([[X]])).rejects.toMatchObject(death);
    expect(await thread.ended).toMatchObject(death);
    await expect(thread.run([[X]])).rejects.toMatchObject({ code: 'model_unavailable' });
    await thread.close();
  });

  it('tells that it is gone while nothing ran', async () => {
    const thread = await openAlone(dyingAt('idle'), THREAD);
    expect(await thread.ended).toMatchObject({ code: 'runtime_failure' });
  });

  it('rejects the load under way', async () => {
    await expect(openAlone(dyingAt('load'), THREAD)).rejects.toMatchObject({
      code: 'runtime_failure',
    });
  });

  it('is replaced with its session', async () => {
    const runner = await SessionRunner.open(
      { ...dyingAt('run'), instances: 1 },
      (options) => openAlone(options, THREAD),
      UNCHANGED,
    );
    await expect(runner.run([[X]])).rejects.toMatchObject({ code: 'runtime_failure' });
    expect(runner.concurrency).toBe(0);
    await expect(runner.run([[X]])).rejects.toMatchObject({ code: 'model_unavailable' });
    while (runner.concurrency === 0) await turn();
    await expect(runner.run([[X]])).rejects.toMatchObject({ code: 'runtime_failure' });
    await runner.close();
  });
});
