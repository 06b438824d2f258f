import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import * as models from '../../test/helpers/onnx-models';
import { floats, open } from '../../test/helpers/session-threads';
import { describeWithCpus, threadOf, threadsOf } from '../../test/helpers/threads';
import { ownThreadId } from './own-thread-id';
import { bindThread, canBindThreads } from './thread-binding';

jest.mock('./thread-file', () => jest.requireActual<object>('../../test/helpers/compiled-thread'));

const main = process.pid;
const idsOf = (pid: number): Set<number> => new Set(threadsOf(pid).map(({ id }) => id));

it('binding says so when the program cannot even be started', async () => {
  const moreThanAnyCommandLine = Array.from({ length: 100_000 }, () => 1000);
  expect(await bindThread(main, moreThanAnyCommandLine)).toBe(false);
  expect(canBindThreads(moreThanAnyCommandLine)).toBe(false);
});

describeWithCpus('binding threads', (all) => {
  const [first = 0] = all;

  it('moves one thread and no other', async () => {
    const code =
      "const { parentPort } = require('node:worker_threads');" +
      "parentPort.postMessage(require('node:fs').readlinkSync('/proc/thread-self'));" +
      "parentPort.on('message', () => process.exit());";
    const worker = new Worker(code, { eval: true });
    try {
      const [link] = (await once(worker, 'message')) as [string];
      const id = Number(link.split('/').pop());
      expect(await bindThread(id, [first])).toBe(true);
      const bound = threadsOf(main).filter(({ cpus }) => cpus.length === 1);
      expect(bound).toEqual([expect.objectContaining({ id, cpus: [first] })]);
      expect(await bindThread(id, all)).toBe(true);
      expect(threadOf(main, id).cpus).toEqual(all);
    } finally {
      worker.postMessage('end');
      await once(worker, 'exit');
    }
  });

  it('knows the calling thread', () => {
    expect(ownThreadId()).toBe(main);
  });

  it('says so when there is no such CPU or thread', async () => {
    expect(await bindThread(main, [8191])).toBe(false);
    expect(await bindThread(2 ** 22 + 1, [first])).toBe(false);
    expect(threadOf(main, main).cpus).toEqual(all);
  });

  it('can be tried without changing anything', () => {
    expect(canBindThreads(all)).toBe(true);
    expect(threadOf(main, main).cpus).toEqual(all);
    expect(canBindThreads([8191])).toBe(false);
  });

  describe('of sessions', () => {
    it('leaves them where they are when nothing is said', async () => {
      await open(models.addModel());
      for (const { cpus } of threadsOf(main)) expect(cpus).toEqual(all);
    });

    it('puts a session on the CPU that it is given, and no other thread', async () => {
      const before = idsOf(main);
      const thread = await open(models.identityModel('FP32'), {}, { cpus: [first] });
      const bound = threadsOf(main).filter(({ cpus }) => cpus.length === 1);
      expect(bound.map(({ cpus }) => cpus)).toEqual([[first]]);
      expect(before).not.toContain(bound[0]?.id);
      expect((await thread.run([[floats([1, 2])]]))[0]?.shape).toEqual([1, 2]);
    });

    it('loads and serves a model whose thread cannot be bound', async () => {
      const thread = await open(models.identityModel('FP32'), {}, { cpus: [8191] });
      expect((await thread.run([[floats([1, 2], 3)]]))[0]?.data).toEqual(new Float32Array([3, 4]));
      for (const { cpus } of threadsOf(main)) expect(cpus).toEqual(all);
    });

    it('gives a session of several threads all CPUs, although the main thread has one', async () => {
      expect(await bindThread(main, [first])).toBe(true);
      try {
        const before = idsOf(main);
        await open(models.addModel(), { intraOpThreads: 2 }, { cpus: all });
        const started = threadsOf(main).filter(({ id }) => !before.has(id));
        // Its own, and the one that the runtime starts to help it.
        expect(started.filter(({ cpus }) => cpus.length === all.length).length).toBeGreaterThanOrEqual(2);
        expect(threadOf(main, main).cpus).toEqual([first]);
      } finally {
        await bindThread(main, all);
      }
    });
  });
});
