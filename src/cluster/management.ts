import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { EventLog } from '../telemetry/logging/log-line';
import { type DomainError, ERRORS } from '../errors/domain-error';
import { Refusal } from '../http/errors/refusal';
import { pathOf } from '../http/route-table';
import { TEXT_FORMATS, textFormatFor, type TextFormatName } from '../telemetry/metrics/text-format';
import type { Supervisor } from './supervisor';
import type { WorkerProcess } from './worker-process';

const JSON_TYPE = 'application/json; charset=utf-8';

export interface ManagementOptions {
  readonly host: string;
  readonly port: number;
  readonly heartbeatTimeoutMs: number;
  readonly supervisor: Pick<Supervisor, 'all' | 'complete' | 'crashLooping' | 'stopping' | 'restarts'>;
  metrics(format: TextFormatName): Promise<Buffer>;
  /** What is answered instead, to a request that lacks the scope; undefined: it has it. */
  refuse(req: IncomingMessage, scope: ManagementScope): Promise<DomainError | undefined>;
  readonly logger: EventLog;
}

/** What a caller must be allowed to do, as for the calls of the workers' port. */
export type ManagementScope = 'open' | 'metrics:read';

interface ManagementRoute {
  readonly scope: ManagementScope;
  answer(req: IncomingMessage): Answer | Promise<Answer>;
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string | Buffer;
  /** Names and values in turn. */
  readonly headers?: readonly string[];
}

/** Probes, metrics and the workers' states out of the primary, which no load on the workers can hold up. */
export class Management {
  private readonly server: Server;
  /** All calls that there are. */
  private readonly routes: ReadonlyMap<string, ManagementRoute> = new Map<string, ManagementRoute>([
    ['/health/live', { scope: 'open', answer: () => this.live() }],
    ['/health/ready', { scope: 'open', answer: () => this.ready() }],
    ['/workers', { scope: 'metrics:read', answer: () => this.showWorkers() }],
    ['/metrics', { scope: 'metrics:read', answer: (req) => this.metrics(req) }],
  ]);

  constructor(private readonly options: ManagementOptions) {
    this.server = createServer((req, res) => void this.handle(req, res));
  }

  /** @param onFailure called with the reason when the port cannot be had */
  listen(onFailure: (reason: string) => void): void {
    const { host, port } = this.options;
    this.server.on('error', (error) => onFailure(`MANAGEMENT_PORT: ${error.message}`));
    this.server.listen(port, host);
  }

  close(): void {
    this.server.close();
    this.server.closeAllConnections();
  }

  private async handle(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const {
      status,
      type,
      body,
      headers = [],
    } = await this.answer(req).catch((err: unknown): Answer => {
      this.options.logger.error({ msg: 'management call failed', err, path: req.url });
      return json(500, { status: 'error' });
    });
    const all = [...headers, 'content-type', type, 'content-length', String(Buffer.byteLength(body))];
    res.writeHead(status, all);
    res.end(req.method === 'HEAD' ? undefined : body);
  }

  private async answer(req: IncomingMessage): Promise<Answer> {
    if (req.method !== 'GET' && req.method !== 'HEAD')
      return json(405, { status: 'error', error: 'use GET' });
    const route = this.routes.get(pathOf(req.url ?? '/'));
    if (route === undefined) {
      const there = [...this.routes.keys()].join(', ').replace(/, (?=[^,]*$)/, ' and ');
      return json(404, { status: 'error', error: `there are ${there}` });
    }
    const refusal = await this.options.refuse(req, route.scope);
    return refusal === undefined ? route.answer(req) : refused(refusal);
  }

  private async metrics({ headers }: IncomingMessage): Promise<Answer> {
    const format = textFormatFor(headers.accept);
    const body = await this.options.metrics(format);
    return { status: 200, type: TEXT_FORMATS[format].contentType, body, headers: ['vary', 'accept'] };
  }

  private showWorkers(): Answer {
    return json(200, { workers: this.workers(), restarts: this.options.supervisor.restarts });
  }

  /** Live while every worker's heartbeat is fresh; one that is starting may be long in coming. */
  private live(): Answer {
    const stale = this.options.supervisor.all().filter((process) => !this.isFresh(process));
    if (stale.length === 0) return json(200, { status: 'ok' });
    return json(503, { status: 'error', stale: stale.map(({ place, pid }) => ({ worker: place, pid })) });
  }

  /** Ready while requests find a worker whose models are ready, and none keeps dying. */
  private ready(): Answer {
    const { supervisor } = this.options;
    const serving = supervisor.all().filter(({ state, heartbeat }) => state === 'ready' && heartbeat?.ready);
    const ready = serving.length > 0 && !supervisor.stopping && supervisor.crashLooping === 0;
    return json(ready ? 200 : 503, {
      status: ready ? 'ok' : 'error',
      serving: serving.length,
      complete: supervisor.complete,
      crashLooping: supervisor.crashLooping,
      stopping: supervisor.stopping,
      unavailable: this.unavailable(true),
      degraded: this.unavailable(false),
    });
  }

  /** The required models, or the others, that do not serve on some worker: reasons by model. */
  private unavailable(ofRequired: boolean): Record<string, string> {
    const models = this.options.supervisor
      .all()
      .flatMap(({ state, heartbeat }) => (state === 'ready' ? (heartbeat?.unavailable ?? []) : []))
      .filter(({ required }) => required === ofRequired);
    return Object.fromEntries(models.map(({ model, reason }) => [model, reason]));
  }

  private workers(): object[] {
    const nowMs = performance.now();
    return this.options.supervisor.all().map(({ place, pid, state, heartbeat, lastBeatMs, startedAtMs }) => ({
      worker: place,
      pid,
      state,
      ready: heartbeat?.ready ?? false,
      rss_bytes: heartbeat?.rssBytes,
      own_bytes: heartbeat?.ownBytes,
      heartbeat_age_seconds: (nowMs - lastBeatMs) / 1000,
      uptime_seconds: (nowMs - startedAtMs) / 1000,
    }));
  }

  private isFresh({ state, lastBeatMs }: WorkerProcess): boolean {
    return state !== 'ready' || performance.now() - lastBeatMs <= this.options.heartbeatTimeoutMs;
  }
}

function json(status: number, value: object): Answer {
  return { status, type: JSON_TYPE, body: JSON.stringify(value) };
}

function refused(error: DomainError): Answer {
  const answer = json(ERRORS[error.code].status, { status: 'error', error: error.message });
  return { ...answer, headers: error instanceof Refusal ? error.headers : [] };
}
