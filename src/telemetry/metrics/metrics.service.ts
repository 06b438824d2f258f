import type { OnApplicationShutdown, OnModuleInit } from '@nestjs/common';
import { Ipc } from '../../process/ipc/ipc.service';
import type { Exposition } from './exposition';
import type { ProcessWatch } from '../../process/process-watch';
import type { Figures } from './figures';
import { type ActivityReport, LastMinute } from './last-minute';
import { NO_PREPARATIONS, type ServerSnapshot, TOPIC } from './server-snapshot';
import type { TextFormatName } from './text-format';
import type { WorkerMetrics } from './worker-metrics';

const ANSWER_MS = 5000;

/** The figures of the whole server, the same whichever worker is asked. */
export class MetricsService implements OnModuleInit, OnApplicationShutdown {
  private accessFailures = (): number => 0;
  private readonly lastMinute = new LastMinute(() => this.worker.figures());

  constructor(
    private readonly ipc: Ipc,
    private readonly worker: WorkerMetrics,
    private readonly watch: ProcessWatch,
    private readonly exposition: Exposition,
  ) {}

  onModuleInit(): void {
    if (this.ipc.hasPrimary) {
      this.ipc.handle(TOPIC.snapshot, () => this.worker.snapshot());
      this.worker.start();
    } else {
      this.ipc.handle(TOPIC.figures, async () => (await this.worker.snapshot()).figures);
      const workers = { ready: 1, configured: 1, restarts: 0 };
      this.ipc.handle(TOPIC.activity, () => ({ ...this.lastMinute.report(), workers }));
      this.ipc.handle<TextFormatName, Buffer>(TOPIC.text, async (format) =>
        this.exposition.print(await this.alone(), format),
      );
    }
  }

  /** Where there is no primary: how many times keys could not be read anew is asked here. */
  countAccessFailures(failures: () => number): void {
    this.accessFailures = failures;
  }

  /** As text for Prometheus, in bytes. */
  text(format: TextFormatName = 'prometheus'): Promise<Buffer> {
    return this.ipc.askPrimary(TOPIC.text, format, ANSWER_MS);
  }

  figures(): Promise<Figures> {
    return this.ipc.askPrimary(TOPIC.figures, null, ANSWER_MS);
  }

  /** What the server did within the last minute; from the first question on. */
  activity(): Promise<ActivityReport> {
    return this.ipc.askPrimary(TOPIC.activity, null, ANSWER_MS);
  }

  async onApplicationShutdown(): Promise<void> {
    if (this.ipc.hasPrimary) await this.worker.stop();
    this.lastMinute.stop();
    this.watch.stop();
  }

  private async alone(): Promise<ServerSnapshot> {
    const { figures, process, unavailable, queueLimit } = await this.worker.snapshot();
    return {
      figures,
      processes: [{ worker: '1', figures: process }],
      unavailable,
      queueLimit,
      configuredWorkers: 1,
      workers: ['ready'],
      restarts: 0,
      accessFailures: this.accessFailures(),
      preparations: NO_PREPARATIONS,
    };
  }
}
