import { DomainError } from '../../errors/domain-error';
import type { Tensor } from '../../tensors/tensor';
import type { SessionSignature } from './session-messages';
import { type RunnerOptions, type RunnerThread, SessionRunner } from './session-runner';

const SIGNATURE: SessionSignature = {
  inputs: [{ name: 'x', datatype: 'FP32', shape: [-1] }],
  outputs: [{ name: 'y', datatype: 'FP32', shape: [-1] }],
};
const OPTIONS: RunnerOptions = {
  modelFile: '/nowhere/model.onnx',
  intraOpThreads: 1,
  interOpThreads: 1,
  graphOptimization: 'all',
  executionProviders: ['cpu'],
  instances: 1,
};
const X: Tensor = { name: 'x', datatype: 'FP32', shape: [1], data: new Float32Array(1) };

/** A thread whose runs and end the test decides on. */
class FakeThread implements RunnerThread {
  runs: { resolve: (outputs: Tensor[]) => void; reject: (reason: DomainError) => void }[] = [];
  end: (death: DomainError | undefined) => void;
  readonly ended = new Promise<DomainError | undefined>((resolve) => (this.end = resolve));

  constructor(readonly signature = SIGNATURE) {}

  run(): Promise<Tensor[]> {
    return new Promise((resolve, reject) => this.runs.push({ resolve, reject }));
  }

  close(): Promise<void> {
    this.end(undefined);
    return Promise.resolve();
  }

  die(): void {
    const death = new DomainError('runtime_failure', 'the thread died');
    this.runs.splice(0).forEach(({ reject }) => reject(death));
    this.end(death);
  }
}

/** Opens fake threads; `next` may be told to fail, or to give another one. */
class Opener {
  readonly threads: FakeThread[] = [];
  attempts = 0;
  gate: Promise<void> = Promise.resolve();
  unchanged: Promise<boolean> = Promise.resolve(true);
  next: () => FakeThread = () => new FakeThread();

  open = (): Promise<FakeThread> => {
    this.attempts++;
    return this.gate.then(() => {
      const thread = this.next();
      this.threads.push(thread);
      return thread;
    });
  };

  runner(instances = 1): Promise<SessionRunner> {
    return SessionRunner.open({ ...OPTIONS, instances }, this.open, () => this.unchanged);
  }

  thread(index: number): FakeThread {
    const thread = this.threads[index];
    if (!thread) throw new Error(`thread ${index} was not opened`);
    return thread;
  }
}

let opener: Opener;
beforeEach(() => {
  jest.useFakeTimers();
  opener = new Opener();
});
afterEach(() => jest.useRealTimers());

/** Lets everything happen that is due within this time. */
async function pass(ms: number): Promise<void> {
  await jest.advanceTimersByTimeAsync(ms);
}

describe('the runner of a model version', () => {
  it('runs as many at once as it has instances, and refuses more', async () => {
    const runner = await opener.runner(2);
    expect(runner).toMatchObject({ ...SIGNATURE, concurrency: 2 });
    const runs = [runner.run([[X]]), runner.run([[X]])];
    expect(opener.threads.map(({ runs: { length } }) => length)).toEqual([1, 1]);
    await expect(runner.run([[X]])).rejects.toMatchObject({ code: 'overloaded' });
    for (const thread of opener.threads) thread.runs[0]?.resolve([X]);
    expect(await Promise.all(runs)).toEqual([[X], [X]]);
  });

  it('has a thread free again before its caller learns how the run ended', async () => {
    const runner = await opener.runner();
    const again = runner.run([[X]]).then(
      () => runner.run([[X]]),
      () => runner.run([[X]]),
    );
    opener.thread(0).runs[0]?.reject(new DomainError('runtime_failure', 'no'));
    await pass(0);
    opener.thread(0).runs[1]?.resolve([X]);
    expect(await again).toEqual([X]);
  });

  it('opens all instances or none', async () => {
    let opened = 0;
    opener.next = () => {
      if (++opened === 2) throw new DomainError('runtime_failure', 'no memory');
      return new FakeThread();
    };
    await expect(opener.runner(3)).rejects.toMatchObject({ message: 'no memory' });
    expect(await Promise.all(opener.threads.map(({ ended }) => ended))).toEqual([undefined, undefined]);
  });

  it('rejects while no thread lives, with the reason, and replaces the dead one at once', async () => {
    const runner = await opener.runner();
    const run = expect(runner.run([[X]])).rejects.toMatchObject({ code: 'runtime_failure' });
    opener.thread(0).die();
    await run;
    expect(runner.concurrency).toBe(0);
    await expect(runner.run([[X]])).rejects.toMatchObject({
      code: 'model_unavailable',
      message: 'the model has no live session: the thread died',
      retryAfterSeconds: 1,
    });
    await pass(0);
    expect(runner.concurrency).toBe(1);
    const next = runner.run([[X]]);
    opener.thread(1).runs[0]?.resolve([X]);
    expect(await next).toEqual([X]);
  });

  it('goes on with the others when one dies', async () => {
    const runner = await opener.runner(2);
    opener.next = () => {
      throw new Error('gone');
    };
    opener.thread(1).die();
    await pass(0);
    expect(runner.concurrency).toBe(1);
    void runner.run([[X]]);
    expect(opener.thread(0).runs).toHaveLength(1);
  });

  it('waits longer and longer between replacements, up to a bound, until a run succeeds', async () => {
    const runner = await opener.runner();
    opener.next = () => {
      throw new DomainError('runtime_failure', 'the file is gone');
    };
    opener.thread(0).die();
    const delaysMs: number[] = [];
    for (let seen = 1, sinceMs = 0; delaysMs.length < 10; sinceMs += 500) {
      await pass(sinceMs === 0 ? 0 : 500);
      if (opener.attempts === seen) continue;
      seen = opener.attempts;
      delaysMs.push(sinceMs);
      sinceMs = 0;
    }
    expect(delaysMs).toEqual([0, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
    await expect(runner.run([[X]])).rejects.toMatchObject({
      message: expect.stringContaining('file is gone') as string,
    });

    opener.next = () => new FakeThread();
    await pass(30_000);
    const run = runner.run([[X]]);
    opener.thread(1).runs[0]?.resolve([X]);
    await run;
    opener.thread(1).die();
    await pass(0);
    expect(runner.concurrency).toBe(1);
  });

  it('does not take a file that now holds another model', async () => {
    const runner = await opener.runner();
    const other = new FakeThread({ ...SIGNATURE, outputs: [] });
    opener.next = () => other;
    opener.thread(0).die();
    await pass(0);
    expect(await other.ended).toBeUndefined();
    await expect(runner.run([[X]])).rejects.toMatchObject({
      message: expect.stringContaining('other inputs or outputs') as string,
    });
  });

  it('replaces nothing once it is closed', async () => {
    const runner = await opener.runner(2);
    opener.thread(0).die();
    const closes = [runner.close(), runner.close(), runner.closed];
    await Promise.all(closes);
    await pass(60_000);
    expect(opener.attempts).toBe(2);
    expect(runner.concurrency).toBe(0);
    await expect(runner.run([[X]])).rejects.toMatchObject({ code: 'model_unavailable' });
  });

  it('closes a replacement that arrives while it is being closed', async () => {
    const runner = await opener.runner();
    let arrive: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (arrive = resolve));
    opener.gate = gate;
    opener.thread(0).die();
    await pass(0);
    const closing = runner.close();
    arrive();
    await closing;
    expect(await opener.thread(1).ended).toBeUndefined();
    expect(runner.concurrency).toBe(0);
  });

  it('does not take files that have changed since it was loaded', async () => {
    const runner = await opener.runner();
    opener.unchanged = Promise.resolve(false);
    opener.thread(0).die();
    await pass(0);
    expect(runner.concurrency).toBe(0);
    await expect(runner.run([[X]])).rejects.toThrow(/its files have changed since it was loaded/);
    await runner.close();
  });
});
