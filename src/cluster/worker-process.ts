import type { Worker } from 'node:cluster';
import type { Socket } from 'node:net';
import { DomainError } from '../errors/domain-error';
import { RpcChannel, isChannelMessage } from '../process/ipc/rpc-channel';
import type { ConnectionReply, ConnectionToWorker } from '../process/ipc/connection-messages';
import {
  failedReply,
  type Heartbeat,
  type Ready,
  type Reply,
  type ToPrimary,
  type ToWorker,
} from '../process/ipc/messages';

/** A worker that served this long has proved that it can. */
const PROVED_MS = 10_000;

/** `leaving`: told to stop; it has left the port or is about to, and finishes what it holds. */
export type WorkerState = 'starting' | 'ready' | 'leaving' | 'gone';

export interface WorkerEvents {
  ready(process: WorkerProcess, ready: Ready): void;
  /** It asks for a successor. */
  wantsReplacement(process: WorkerProcess, reason: string): void;
  /** Its word on a connection that it was handed. */
  connection(process: WorkerProcess, reply: ConnectionReply): void;
  /** It is about to be told to stop, and must not be handed any connection after that. */
  leaves(process: WorkerProcess): void;
  gone(process: WorkerProcess, code: number | null, signal: NodeJS.Signals | null): void;
}

/** One worker as its primary sees it. */
export class WorkerProcess {
  /** Counts all workers of this primary, the dead ones included. */
  readonly id: number;
  state: WorkerState = 'starting';
  private joined = false;
  /** Does it leave what comes in to others, as it cannot load what they serve? */
  waits = false;
  /** Did it end without having been told to, or having done so by itself in an orderly way? */
  private died = false;
  /** Why it could not start, in its own words. */
  reason: string | undefined;
  heartbeat: Heartbeat | undefined;
  readonly startedAtMs = performance.now();
  /** Of `performance.now()`; before the first one, when it was forked. */
  lastBeatMs = this.startedAtMs;
  readonly channel: RpcChannel;
  private readyAtMs = Infinity;
  private deadline: NodeJS.Timeout | undefined;

  /** @param place the number of the place that it takes, from 1, which its successor will have, too */
  constructor(
    readonly worker: Worker,
    readonly place: number,
    private readonly events: WorkerEvents,
  ) {
    this.id = worker.id;
    this.channel = new RpcChannel((message) => this.send(message));
    worker.on('message', (message: ToPrimary) => this.hear(message));
    // A channel that breaks shows as the worker's exit; nothing is to be done about a message lost in it.
    worker.on('error', () => undefined);
    worker.once('exit', (code: number | null, signal: NodeJS.Signals | null) => {
      clearTimeout(this.deadline);
      this.died = this.state !== 'leaving' && code !== 0;
      this.state = 'gone';
      this.channel.close(`process ${this.pid} ended ${endedHow(code, signal)}`);
      this.events.gone(this, code, signal);
    });
  }

  /** For log lines. */
  get name(): { worker: number; workerPid: number } {
    return { worker: this.place, workerPid: this.pid };
  }

  get pid(): number {
    return this.worker.process.pid ?? 0;
  }

  /** Is it one of those that questions to all go to? */
  get takesPart(): boolean {
    return this.joined && (this.state === 'starting' || this.state === 'ready');
  }

  /** It serves what is still on its way to it until it is gone. */
  get mayServe(): boolean {
    return this.joined && this.state !== 'gone';
  }

  admit(): void {
    this.joined = true;
  }

  /** How long it has served by now. */
  get servedMs(): number {
    return Math.max(0, performance.now() - this.readyAtMs);
  }

  /** Has it served for so long that it is no part of a series of failures? */
  get proved(): boolean {
    return this.servedMs > PROVED_MS;
  }

  /** Lets it finish what it holds, and kills it if it has not left after `timeoutMs`. */
  stop(timeoutMs: number): void {
    if (this.state === 'gone' || this.state === 'leaving') return;
    this.state = 'leaving';
    this.deadline = setTimeout(() => this.signal('SIGKILL'), timeoutMs);
    this.events.leaves(this);
    this.send({ kind: 'stop' });
  }

  signal(signal: NodeJS.Signals): void {
    this.worker.process.kill(signal);
  }

  async ask<Value>(topic: string, payload: unknown, timeoutMs: number): Promise<Reply<Value>> {
    try {
      return { worker: this.id, ok: true, value: await this.channel.ask<Value>(topic, payload, timeoutMs) };
    } catch (error) {
      return failedReply(this.id, error, this.goneBecause(error), this.place);
    }
  }

  private goneBecause(error: unknown): 'died' | 'left' | undefined {
    if (this.died) return 'died';
    // It may be leaving on a word that its primary has not heard.
    const leaves = error instanceof DomainError && error.code === 'draining';
    return leaves || this.state === 'leaving' || this.state === 'gone' ? 'left' : undefined;
  }

  /** Hands it a connection, which this process keeps as well, or asks for one. */
  hand(message: ConnectionToWorker, socket?: Socket): void {
    if (this.worker.isConnected()) this.worker.send(message, socket, { keepOpen: true });
  }

  private send(message: ToWorker): void {
    if (this.worker.isConnected()) this.worker.send(message);
  }

  private hear(message: ToPrimary): void {
    if (isChannelMessage(message)) {
      this.channel.receive(message);
      return;
    }
    switch (message.kind) {
      case 'ready':
        if (this.state !== 'starting') return;
        this.state = 'ready';
        this.waits = false;
        this.readyAtMs = performance.now();
        this.events.ready(this, message);
        break;
      case 'failed':
        this.reason = message.reason;
        break;
      case 'heartbeat':
        this.heartbeat = message;
        this.lastBeatMs = performance.now();
        break;
      case 'connection':
        this.events.connection(this, message);
        break;
      case 'replace-me':
        this.events.wantsReplacement(this, message.reason);
        break;
    }
  }
}

export function endedHow(code: number | null, signal: string | null): string {
  return signal === null ? `with code ${code}` : `by ${signal}`;
}
