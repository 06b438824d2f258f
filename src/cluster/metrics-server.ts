import type { RpcChannel } from '../process/ipc/rpc-channel';
import type { FanOut, Reply } from '../process/ipc/messages';
import type { Exposition } from '../telemetry/metrics/exposition';
import { type ActivityReport, LastMinute } from '../telemetry/metrics/last-minute';
import type { ProcessWatch } from '../process/process-watch';
import { SCOPES } from '../telemetry/metrics/layout';
import { countersOf, emptied, type Figures, mergeFigures, NO_FIGURES } from '../telemetry/metrics/figures';
import {
  type Preparations,
  type ServerSnapshot,
  TOPIC,
  type WorkerSnapshot,
} from '../telemetry/metrics/server-snapshot';
import type { TextFormatName } from '../telemetry/metrics/text-format';
import { Coalesced } from '../common/coalesced';
import type { WorkerProcess } from './worker-process';

/** How long a scrape waits for a worker; one that is later is shown as it last was. */
const FRESH_MS = 1000;

/** The workers, as their supervisor knows them. */
export interface Fleet {
  /** Puts a question to every worker that is ready. */
  askAll<Value>(question: FanOut): Promise<Reply<Value>[]>;
  all(): readonly Pick<WorkerProcess, 'state'>[];
  readonly restarts: number;
}

interface Attached {
  /** The name of the place that it has taken, which its successor will have too. */
  readonly place: string;
  last: WorkerSnapshot | undefined;
}

/**
 * The figures of the whole server: the last word of each worker, fresh when it can be had, over the totals of
 * those that are gone. So a counter goes on where a dead worker left it.
 */
export class MetricsServer {
  private readonly workers = new Map<number, Attached>();
  private gone: Figures = NO_FIGURES;
  private readonly lastMinute = new LastMinute(() => this.lastHeard());
  private readonly servers = new Coalesced(() => this.gather());
  private readonly texts = {
    prometheus: new Coalesced(async () => this.exposition.print(await this.server(), 'prometheus')),
    openmetrics: new Coalesced(async () => this.exposition.print(await this.server(), 'openmetrics')),
  };

  constructor(
    private readonly configuredWorkers: number,
    private readonly fleet: Fleet,
    private readonly watch: Pick<ProcessWatch, 'figures'>,
    private readonly exposition: Exposition,
    private readonly access: { readonly failures: number },
    private readonly preparations: Preparations,
  ) {}

  /** From here on this worker's figures count, and it may ask for everybody's. */
  attach(worker: number, place: string, channel: Pick<RpcChannel, 'handle'>): void {
    this.workers.set(worker, { place, last: undefined });
    channel.handle<WorkerSnapshot, void>(TOPIC.push, (snapshot) => this.take(worker, snapshot));
    channel.handle(TOPIC.figures, async () => (await this.server()).figures);
    channel.handle(TOPIC.activity, () => this.activity());
    channel.handle<TextFormatName, Buffer>(TOPIC.text, (format) => this.text(format));
  }

  /** The worker is no more; what it counted stays. */
  detach(worker: number): void {
    const last = this.workers.get(worker)?.last;
    this.workers.delete(worker);
    if (last !== undefined) this.gone = mergeFigures([this.gone, countersOf(last.figures)]);
  }

  /** The same as text for Prometheus, in bytes. */
  text(format: TextFormatName = 'prometheus'): Promise<Buffer> {
    return this.texts[format].run();
  }

  /** The server as it is now, or was at most `FRESH_MS` ago. */
  server(): Promise<ServerSnapshot> {
    return this.servers.run();
  }

  private activity(): ActivityReport {
    const ready = this.fleet.all().filter(({ state }) => state === 'ready').length;
    const workers = { ready, configured: this.configuredWorkers, restarts: this.fleet.restarts };
    return { ...this.lastMinute.report(), workers };
  }

  /** Without a question to anybody: workers tell what changed about once a second. */
  private lastHeard(): Figures {
    const last = [...this.workers.values()].flatMap(({ last }) => (last ? [last.figures] : []));
    return mergeFigures([this.gone, ...last]);
  }

  private take(worker: number, snapshot: WorkerSnapshot): void {
    const attached = this.workers.get(worker);
    if (attached === undefined || snapshot.sequence <= (attached.last?.sequence ?? 0)) return;
    attached.last = snapshot;
  }

  private async gather(): Promise<ServerSnapshot> {
    const [own, replies] = await Promise.all([
      this.watch.figures(),
      this.fleet.askAll<WorkerSnapshot>({ topic: TOPIC.snapshot, payload: null, timeoutMs: FRESH_MS }),
    ]);
    for (const reply of replies) if (reply.ok) this.take(reply.worker, reply.value);
    const live = [...this.workers.values()].flatMap(({ place, last }) => (last ? [{ place, last }] : []));
    const figures = mergeFigures([this.gone, ...live.map(({ last }) => last.figures)]);
    // A model or a remote that has had a label of its own keeps it, whatever comes after it.
    const { gone } = this;
    if (SCOPES.some(({ name }) => figures[name].length > gone[name].length))
      this.gone = mergeFigures([this.gone, emptied(figures)]);
    // While a worker is replaced there are two in its place: the newer one shows.
    const byPlace = new Map(live.map(({ place, last }) => [place, last.process]));
    return {
      figures,
      processes: [...byPlace, ['primary', own] as const].map(([worker, figures]) => ({ worker, figures })),
      unavailable: [...new Set(live.flatMap(({ last }) => last.unavailable))],
      queueLimit: live.reduce((sum, { last }) => sum + last.queueLimit, 0),
      configuredWorkers: this.configuredWorkers,
      workers: this.fleet.all().map(({ state }) => state),
      restarts: this.fleet.restarts,
      accessFailures: this.access.failures,
      preparations: this.preparations,
    };
  }
}
