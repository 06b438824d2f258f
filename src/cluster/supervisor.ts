import cluster, { type Worker } from 'node:cluster';
import type { Logger } from 'pino';
import { Channel, isChannelMessage } from '../link/channel';
import { FAN_OUT, type FanOut, type Reply, type ToPrimary, type ToWorker } from '../link/messages';
import { reasonOf } from '../errors/domain-error';
import { backoffMs } from './backoff';

/** A worker that served this long has proved that it can start. */
const PROVED_MS = 60_000;
/** A first start that failed so often will not succeed by itself. */
const FIRST_START_TRIES = 3;

export interface SupervisorOptions {
  readonly workers: number;
  /** The environment of the workers. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly logger: Logger;
  /** Called with every worker that was forked. */
  onFork(worker: Worker): void;
  /** Called once, when every worker is ready. */
  onAllReady(models: readonly string[]): void;
  /** Called when the first start keeps failing; nothing is forked any more. */
  onHopeless(reason: string): void;
}

/** One of the places that workers take, one after the other. */
interface Seat {
  worker: Worker | undefined;
  channel: Channel | undefined;
  ready: boolean;
  startedAtMs: number;
  /** Starts in a row that ended before the worker had proved itself. */
  failures: number;
  /** Why the last start failed, in the worker's words. */
  reason: string | undefined;
  retry: NodeJS.Timeout | undefined;
}

/** Keeps a number of workers running: forks them, replaces those that die, stops them all. */
export class Supervisor {
  private readonly seats: Seat[];
  private everReady = false;
  private announced = false;
  private stopping = false;
  private stopped: (() => void) | undefined;

  constructor(private readonly options: SupervisorOptions) {
    this.seats = Array.from({ length: options.workers }, () => ({
      worker: undefined,
      channel: undefined,
      ready: false,
      startedAtMs: 0,
      failures: 0,
      reason: undefined,
      retry: undefined,
    }));
  }

  start(): void {
    for (const seat of this.seats) this.fork(seat);
  }

  /** Resolves when every worker has finished what it held and is gone. */
  stop(): Promise<void> {
    this.stopping = true;
    const gone = new Promise<void>((resolve) => (this.stopped = resolve));
    for (const seat of this.seats) {
      clearTimeout(seat.retry);
      if (seat.worker) send(seat.worker, { kind: 'stop' });
    }
    this.checkStopped();
    return gone;
  }

  /** Ends every worker at once, whatever it is doing. */
  kill(): void {
    this.stopping = true;
    for (const seat of this.seats) {
      clearTimeout(seat.retry);
      seat.worker?.process.kill('SIGKILL');
    }
  }

  private fork(seat: Seat): void {
    const worker = cluster.fork(this.options.env);
    const channel = new Channel((message) => void worker.send(message));
    channel.handle<FanOut, Reply<unknown>[]>(FAN_OUT, (question) => this.askAll(question));
    seat.worker = worker;
    seat.channel = channel;
    seat.ready = false;
    seat.startedAtMs = performance.now();
    seat.reason = undefined;
    this.options.onFork(worker);
    worker.on('message', (message: ToPrimary) => this.hear(seat, message));
    // A channel that breaks shows as the worker's exit; nothing is to be done about a message lost in it.
    worker.on('error', () => undefined);
    worker.once('exit', (code, signal) => this.replace(seat, code, signal));
    if (this.stopping) send(worker, { kind: 'stop' });
  }

  /** Puts a question to every worker that is ready. */
  askAll({ topic, payload, timeoutMs }: FanOut): Promise<Reply<unknown>[]> {
    const ready = this.seats.filter((seat) => seat.ready);
    return Promise.all(
      ready.map(async ({ worker, channel }): Promise<Reply<unknown>> => {
        const id = worker?.id ?? 0;
        try {
          return { worker: id, ok: true, value: await channel?.ask(topic, payload, timeoutMs) };
        } catch (error) {
          return { worker: id, ok: false, reason: reasonOf(error) };
        }
      }),
    );
  }

  private hear(seat: Seat, message: ToPrimary): void {
    if (isChannelMessage(message)) {
      seat.channel?.receive(message);
      return;
    }
    switch (message.kind) {
      case 'ready':
        seat.ready = true;
        this.everReady = true;
        if (!this.announced && this.seats.every(({ ready }) => ready)) {
          this.announced = true;
          this.options.onAllReady(message.models);
        }
        break;
      case 'failed':
        seat.reason = message.reason;
        break;
    }
  }

  private replace(seat: Seat, code: number | null, signal: string | null): void {
    const pid = seat.worker?.process.pid;
    const livedMs = performance.now() - seat.startedAtMs;
    const proved = seat.ready && livedMs > PROVED_MS;
    seat.channel?.close(`Worker ${pid} died.`);
    seat.worker = undefined;
    seat.ready = false;
    if (this.stopping) {
      this.checkStopped();
      return;
    }
    seat.failures = proved ? 1 : seat.failures + 1;
    const how = signal ? `by ${signal}` : `with code ${code}`;
    if (!this.everReady && seat.failures >= FIRST_START_TRIES) {
      this.stopping = true;
      this.kill();
      this.options.onHopeless(seat.reason ?? `its workers end ${how} before they are ready`);
      return;
    }
    // The first replacement comes at once: most deaths are single ones, and the port is short of a worker.
    const waitMs = seat.failures === 1 ? 0 : backoffMs(seat.failures - 1);
    this.options.logger.error(
      { pid, code, signal, waitMs, reason: seat.reason },
      'worker died, replacing it',
    );
    seat.retry = setTimeout(() => this.fork(seat), waitMs);
  }

  private checkStopped(): void {
    if (this.seats.every(({ worker }) => worker === undefined)) this.stopped?.();
  }
}

function send(worker: Worker, message: ToWorker): void {
  if (worker.isConnected()) worker.send(message);
}
