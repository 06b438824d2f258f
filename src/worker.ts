import { Logger } from 'nestjs-pino';
import type { Socket } from 'node:net';
import type { INestApplication } from '@nestjs/common';
import { createApplication } from './bootstrap';
import type { NestorExpressAdapter } from './http/express.adapter';
import { keepCompiled } from './config/compile-cache';
import { settings } from './config/settings';
import { unknownSettingsHere } from './config/unknown-settings';
import { reasonOf } from './errors/domain-error';
import { banner } from './process/banner';
import { collectBuffersEarly, compileSooner } from './process/v8-options';
import { hasPrimary } from './process/ipc/has-primary';
import { ownMemoryBytes } from './process/own-memory';
import { reportOnSignal } from './process/diagnostic-report';
import type { ModelsCondition, Ready, ToPrimary, ToWorker } from './process/ipc/messages';
import { onSignals } from './process/signals';
import { ProcessLog } from './telemetry/logging/process-log';
import { LocalCoordinator } from './models/rollout/local-coordinator';
import { ModelsHealthIndicator } from './models/models.health';
import { ModelsService } from './models/models.service';

const HEARTBEAT_MS = 1000;
const NO_MODELS: ModelsCondition = { ready: false, unavailable: [] };

/** Runs one application until it is told to stop: as a worker of a primary, or alone. */
export async function runWorker(): Promise<void> {
  const wanted = settings();
  const { app: about, http, logging } = wanted;
  const underPrimary = hasPrimary(wanted.cluster);
  let reload = (): void => undefined;
  const stop = underPrimary ? stopAsWorker() : stopAlone(http.shutdownTimeoutMs, () => reload());
  const heartbeat = new Heartbeat();
  if (underPrimary) heartbeat.start();
  try {
    const app = await createApplication(wanted);
    keepCompiled();
    reportOnSignal(logging.dir, (report) => app.get(Logger).log(report));
    if (!underPrimary) for (const line of unknownSettingsHere()) app.get(Logger).warn(line);
    if (!stop.requested) {
      await app.get(ModelsService).join();
      compileSooner();
      collectBuffersEarly();
      if (underPrimary) takeConnections(app);
      else await app.listen(http.port, http.host);
      const health = app.get(ModelsHealthIndicator);
      const ready: Ready = { models: app.get(ModelsService).loaded(), ...health.condition() };
      if (underPrimary) {
        tellPrimary({ kind: 'ready', ...ready });
        heartbeat.beatFor(health);
      } else {
        const coordinator = app.get(LocalCoordinator);
        coordinator.watchFolder();
        reload = () => void coordinator.lookNow();
        app.get(Logger).log(banner(about, http, ready, 0));
      }
    }
    await stop.request;
    await app.close();
    await app.get(ProcessLog).close();
    process.exit(0);
  } catch (error) {
    if (underPrimary) tellPrimary({ kind: 'failed', reason: reasonOf(error) });
    throw error;
  }
}

/** The primary listens, and hands over what comes in. */
function takeConnections(app: INestApplication): void {
  const adapter = app.getHttpAdapter() as NestorExpressAdapter;
  const handed = adapter.takeConnections(tellPrimary);
  process.on('message', (message: ToWorker, socket?: Socket) => {
    if (message.kind === 'connection' || message.kind === 'connection-lost') handed.hear(message, socket);
  });
}

interface Stop {
  /** Has it been asked for? A start that is interrupted goes on to its end, but does not listen. */
  requested: boolean;
  request: Promise<void>;
}

function stopWhen(register: (ask: () => void) => void): Stop {
  const stop: Stop = {
    requested: false,
    request: new Promise((resolve) => {
      register(() => {
        stop.requested = true;
        resolve();
      });
    }),
  };
  return stop;
}

/** The primary says when to stop, and kills what is late; what a terminal sends to all is meant for it alone. */
function stopAsWorker(): Stop {
  return stopWhen((ask) => {
    process.on('message', (message: ToWorker) => {
      if (message.kind === 'stop') ask();
    });
    process.on('SIGTERM', ask);
    for (const signal of ['SIGINT', 'SIGHUP'] as const) process.on(signal, () => undefined);
  });
}

function stopAlone(timeoutMs: number, reload: () => void): Stop {
  // An exit while a session thread runs a model would abort the process; this cannot.
  const leaveAtOnce = (): void => void process.kill(process.pid, 'SIGKILL');
  return stopWhen((ask) => {
    onSignals({
      reload,
      stop() {
        setTimeout(leaveAtOnce, timeoutMs).unref();
        ask();
        return Promise.resolve();
      },
      leaveAtOnce,
    });
  });
}

/** Tells the primary again and again that this worker's event loop turns, and how it is. */
class Heartbeat {
  private health: ModelsHealthIndicator | undefined;
  private memory = { rssBytes: 0, ownBytes: 0 };

  start(): void {
    this.beat();
    setInterval(() => this.beat(), HEARTBEAT_MS);
  }

  /** From now on it serves, as far as its models are ready. */
  beatFor(health: ModelsHealthIndicator): void {
    this.health = health;
    this.beat();
  }

  private beat(): void {
    this.lookAtMemory();
    tellPrimary({
      kind: 'heartbeat',
      ...this.memory,
      ...(this.health?.condition() ?? NO_MODELS),
    });
  }

  /** That takes a descriptor: a heartbeat that has none left goes on with what it saw last. */
  private lookAtMemory(): void {
    try {
      this.memory = { rssBytes: process.memoryUsage.rss(), ownBytes: ownMemoryBytes() };
    } catch {
      // There may be one at the next beat.
    }
  }
}

function tellPrimary(message: ToPrimary): void {
  process.send?.(message);
}
