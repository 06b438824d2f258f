import type { Worker } from 'node:cluster';
import { EventEmitter } from 'node:events';
import type { Reply, ToWorker } from '../process/ipc/messages';
import { WorkerProcess } from './worker-process';

/** The process, which says nothing by itself. */
class Forked extends EventEmitter {
  readonly id = 3;
  readonly process = { pid: 4711, kill: () => true };
  readonly heard: ToWorker[] = [];

  isConnected(): boolean {
    return true;
  }

  send(message: ToWorker): void {
    this.heard.push(message);
  }
}

describe('a question to a worker', () => {
  let forked: Forked;
  let process: WorkerProcess;
  let reply: Promise<Reply<unknown>>;
  beforeEach(() => {
    forked = new Forked();
    const nothing = (): void => undefined;
    process = new WorkerProcess(forked as unknown as Worker, 2, {
      ready: nothing,
      wantsReplacement: nothing,
      connection: nothing,
      leaves: nothing,
      gone: nothing,
    });
    reply = process.ask('models.prepare', null, 10_000);
  });

  it('is answered by its death, when it dies', async () => {
    forked.emit('exit', null, 'SIGSEGV');
    expect(await reply).toMatchObject({
      worker: 3,
      ok: false,
      gone: 'died',
      reason: 'process 4711 ended by SIGSEGV',
    });
  });

  it('counts for nothing when it was told to leave', async () => {
    process.stop(10_000);
    forked.emit('exit', null, 'SIGKILL');
    expect(await reply).toMatchObject({ ok: false, gone: 'left' });
  });

  it('counts for nothing when it leaves by itself', async () => {
    forked.emit('exit', 0, null);
    expect(await reply).toMatchObject({ ok: false, gone: 'left' });
  });

  it('counts for nothing when it says that it is leaving', async () => {
    forked.emit('message', { kind: 'refusal', id: 1, code: 'draining', reason: 'called off' });
    expect(await reply).toMatchObject({ ok: false, gone: 'left' });
  });

  it('reaches it on its way out, where it is for all that may serve', () => {
    process.admit();
    expect([process.takesPart, process.mayServe]).toEqual([true, true]);
    process.stop(10_000);
    expect([process.takesPart, process.mayServe]).toEqual([false, true]);
    forked.emit('exit', 0, null);
    expect(process.mayServe).toBe(false);
  });

  it('is answered like any other by one that cannot do it and stays', async () => {
    forked.emit('message', { kind: 'refusal', id: 1, code: 'model_unavailable', reason: 'no memory' });
    expect(await reply).toEqual({
      worker: 3,
      ok: false,
      code: 'model_unavailable',
      reason: 'no memory',
      place: 2,
    });
    forked.emit('exit', 0, null);
  });
});
