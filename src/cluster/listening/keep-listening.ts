import cluster, { type Worker } from 'node:cluster';

/** node:cluster counts workers from 1. */
const NOBODY = 0;

/** What Node's processes say to each other about ports. */
interface InternalMessage {
  readonly cmd?: string;
  readonly act?: string;
  /** Of a port. */
  readonly key?: string;
}

type Send = (message: InternalMessage, ...rest: unknown[]) => boolean;

interface Dead {
  readonly worker: Worker;
  readonly id: number;
  readonly timer: NodeJS.Timeout;
}

/**
 * Keeps the port open when its last worker has died, so that connections wait for the next one. node:cluster closes a
 * port when the last worker that has it goes. It knows them by their ids: a dead one with another id does not take
 * its port along, and is handed nothing, until it gets its own id back.
 * https://github.com/nodejs/node/blob/v20.x/lib/internal/cluster/primary.js (removeHandlesForWorker, close)
 * https://github.com/nodejs/node/blob/v20.x/lib/internal/cluster/round_robin_handle.js (remove, handoff)
 */
export class KeepListening {
  private readonly listening = new Set<Worker>();
  private dead: Dead | undefined;
  private key: string | undefined;
  private closed = false;

  /** @param patienceMs how long connections wait for a worker before they are refused */
  constructor(private readonly patienceMs: number) {}

  watch(worker: Worker): void {
    const { process } = worker;
    const send = process.send.bind(process) as unknown as Send;
    const noting: Send = (message, ...rest) => {
      if (message.cmd === 'NODE_CLUSTER' && message.key !== undefined) this.key = message.key;
      return send(message, ...rest);
    };
    process.send = noting;
    process.on('internalMessage', ({ act }: InternalMessage) => {
      if (act === 'queryServer') {
        // node:cluster has just given it the port, and what waited.
        this.listening.add(worker);
        this.letGo();
      } else if (act === 'close') {
        this.listening.delete(worker);
      }
    });
    const end = (): void => {
      if (this.listening.delete(worker) && this.listening.size === 0 && !this.closed) this.keepFor(worker);
    };
    // Before node:cluster hears of it. Either may come first.
    process.prependOnceListener('disconnect', end);
    process.prependOnceListener('exit', end);
  }

  /** From now on the port closes with its last worker. */
  close(): void {
    this.closed = true;
    this.letGo();
  }

  private keepFor(worker: Worker): void {
    this.letGo();
    const timer = setTimeout(() => this.letGo(), this.patienceMs);
    this.dead = { worker, id: worker.id, timer };
    worker.id = NOBODY;
  }

  private letGo(): void {
    if (this.dead === undefined) return;
    const { worker, id, timer } = this.dead;
    this.dead = undefined;
    clearTimeout(timer);
    worker.id = id;
    worker.process.emit('internalMessage', { cmd: 'NODE_CLUSTER', act: 'close', key: this.key });
    delete cluster.workers?.[id];
  }
}
