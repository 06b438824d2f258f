import type { Ipc } from '../../process/ipc/ipc.service';
import type { ProcessFigures, ProcessWatch } from '../../process/process-watch';
import type { Figures } from './figures';
import type { Recorder } from './recorder';
import { TOPIC, type WorkerSnapshot } from './server-snapshot';

const PUSH_MS = 1000;
const PUSH_TIMEOUT_MS = 5000;

/** A worker's part: answers the primary's question for its figures, and sends them unasked while they change. */
export class WorkerMetrics {
  private sequence = 0;
  private sending: Promise<void> | undefined;
  private failed = false;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly ipc: Pick<Ipc, 'askPrimary'>,
    private readonly recorder: Recorder,
    private readonly watch: Pick<ProcessWatch, 'figures'>,
    private readonly queueLimit: number,
  ) {}

  /** What a worker that dies has not sent yet is lost with it: at most what it did in about a second. */
  start(): void {
    this.timer = setInterval(() => void this.push(), PUSH_MS).unref();
  }

  /** Sends the last word. */
  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.sending;
    await this.push();
  }

  figures(): Figures {
    return this.recorder.snapshot();
  }

  async snapshot(): Promise<WorkerSnapshot> {
    return this.count(await this.watch.figures());
  }

  /** Sends what there is, when anything changed since the last time; one at a time. Never rejects. */
  push(): Promise<void> {
    if (this.sending === undefined && (this.failed || this.recorder.changed)) {
      this.sending = this.send().finally(() => (this.sending = undefined));
    }
    return this.sending ?? Promise.resolve();
  }

  private async send(): Promise<void> {
    try {
      const process = await this.watch.figures();
      this.recorder.settle();
      await this.ipc.askPrimary<void>(TOPIC.push, this.count(process), PUSH_TIMEOUT_MS);
      this.failed = false;
    } catch {
      // The primary is late, and gets the next one; or gone, and misses nothing any more.
      this.failed = true;
    }
  }

  /** In one go with the number, so that a higher one never has less in it. */
  private count(process: ProcessFigures): WorkerSnapshot {
    return {
      sequence: ++this.sequence,
      figures: this.recorder.snapshot(),
      process,
      unavailable: this.recorder.unavailable(),
      queueLimit: this.queueLimit,
    };
  }
}
