import { PassingMap } from '../../common/passing';
import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { type ClusterConfig, clusterConfig, type HttpConfig, httpConfig } from '../../config/config.slices';
import { DomainError, errorFrom } from '../../errors/domain-error';
import { type JsonThreadCall, type JsonThreadReply, copied, transferable } from './messages';
import type { Offloadable, Worksite } from './offloadable';

const ENTRY = join(__dirname, 'json-thread.entry.js');
/** JSON above this takes longer than a hop to the thread, and longer than the event loop may be held. */
export const LARGE_JSON_BYTES = 256 * 1024;

interface Pending {
  readonly resolve: (value: never) => void;
  readonly reject: (error: DomainError) => void;
}

/** A thread for bodies that are too large for the event loop, started when the first one comes. */
@Injectable()
export class JsonThread implements OnApplicationShutdown {
  private readonly pending = new PassingMap<number, Pending>();
  private worker: Worker | undefined;
  private lastId = 0;

  constructor(
    @Inject(clusterConfig.KEY) private readonly config: ClusterConfig,
    @Inject(httpConfig.KEY) { jsonAnswerLimitBytes }: HttpConfig,
  ) {
    const work = <Args extends readonly unknown[], Value>(
      work: Offloadable<Args, Value>,
      jsonBytes: number,
      args: Args,
    ): Value | Promise<Value> => (jsonBytes > LARGE_JSON_BYTES ? this.post(work, args) : work.call(...args));
    this.work = Object.assign(work, { mostJsonBytes: jsonAnswerLimitBytes });
  }

  /** Does small work at once and large work on the thread. */
  readonly work: Worksite;

  async onApplicationShutdown(): Promise<void> {
    await this.worker?.terminate();
  }

  private post<Args extends readonly unknown[], Value>(
    { module, name, consumes }: Offloadable<Args, Value>,
    given: Args,
  ): Promise<Value> {
    this.worker ??= this.start();
    const args = consumes ? given : (copied(given) as Args);
    const call: JsonThreadCall = { id: ++this.lastId, module, name, args };
    return new Promise<Value>((resolve, reject) => {
      this.pending.set(call.id, { resolve, reject });
      this.worker?.postMessage(call, [...transferable(args)]);
    });
  }

  private start(): Worker {
    const worker = new Worker(ENTRY, { workerData: { niceness: this.config.threadNiceness } });
    worker.on('message', (reply: JsonThreadReply) => this.settle(reply));
    // The exit that follows settles everything.
    worker.on('error', () => undefined);
    worker.once('exit', () => this.bury());
    return worker;
  }

  private settle(reply: JsonThreadReply): void {
    const pending = this.pending.get(reply.id);
    this.pending.delete(reply.id);
    if (reply.ok) pending?.resolve(reply.value as never);
    else pending?.reject(errorFrom(reply));
  }

  /** The next large body starts another one. */
  private bury(): void {
    this.worker = undefined;
    const lost = [...this.pending.values()];
    this.pending.clear();
    const death = new DomainError('internal_error', 'The JSON thread ended while it worked on this request.');
    for (const { reject } of lost) reject(death);
  }
}
