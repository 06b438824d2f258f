import cluster from 'node:cluster';
import { join } from 'node:path';
import { AccessKeeper, TELL_MS } from '../access/access-keeper';
import { CallerDirectory } from '../access/caller-directory';
import { managementGate } from '../access/management-gate';
import { TOPIC } from '../access/messages';
import { checkTlsFiles } from '../http/tls';
import { reasonOf } from '../errors/domain-error';
import { readEnvironment, settings } from '../config/settings';
import { unknownSettingsHere } from '../config/unknown-settings';
import { allocatorSettings } from '../process/allocator';
import { banner } from '../process/banner';
import { LogSink, WORKER_STDIO } from '../telemetry/logging/log-sink';
import { openLocalLog } from '../telemetry/logging/process-log';
import { cpuQuota, planCpus } from '../process/cpu/cpu-plan';
import { keepNewSpace, workerOptions } from '../process/v8-options';
import { reportOnSignal } from '../process/diagnostic-report';
import { onSignals } from '../process/signals';
import { ProcessWatch } from '../process/process-watch';
import { Exposition } from '../telemetry/metrics/exposition';
import { buildInfo } from '../telemetry/metrics/server-snapshot';
import { FolderWatch } from '../models/rollout/folder-watch';
import { Coordinator } from '../models/rollout/coordinator';
import { Handover } from './handover';
import { ModelSources } from '../models/rollout/model-sources';
import { Management } from './management';
import { KnownDigests } from '../models/repository/known-digests';
import { PreparedStore } from '../runners/onnx/prepared/prepared-store';
import type { Settings } from '../config/slices';
import { memoryLimitBytes } from '../process/memory-limit';
import { startModels } from '../models/repository/start-models';
import { ModelFolder } from '../models/repository/model-folder';
import { MetricsServer } from './metrics-server';
import {
  RECORD_RUNS,
  RECORDS_RUNS,
  readRunRecord,
  runRecordFile,
  takeRunRecord,
} from '../process/run-record';
import { Supervisor } from './supervisor';
import { Suspicion } from './suspicion';
import { countWorkers, needsOf, type WorkerCount } from './worker-count';

/** How long connections wait where there is no worker: several starts, and less than clients wait. */
const PORT_PATIENCE_MS = 10_000;

/** The process above the workers: forks and watches them, writes their logs, stops them. */
export async function runPrimary(): Promise<void> {
  keepNewSpace();
  const { access, app, cluster: wanted, http, logging, models } = settings();
  const sink = new LogSink(logging);
  const log = openLocalLog(logging, sink);
  const { logger } = log;
  const quota = cpuQuota();
  const counted = wanted.workers === 'auto' ? await countHere(quota, settings()) : undefined;
  const plan = planCpus({
    quota,
    workers: counted?.workers ?? wanted.workers,
    slots: wanted.executionSlots,
  });
  logger.info({ msg: 'thread plan', ...plan, ...counted });
  if (counted?.tight === true)
    logger.warn({ msg: 'there is hardly memory for one worker with the models of the start', ...counted });
  for (const line of unknownSettingsHere()) logger.warn(line);

  const leave = async (code: number): Promise<void> => {
    await log.close();
    process.exit(code);
  };
  cluster.setupPrimary({
    exec: join(__dirname, '..', 'main.js'),
    execArgv: workerOptions(process.execArgv),
    stdio: [...WORKER_STDIO],
    serialization: 'advanced',
  });
  // A worker that is forked later starts with the environment that the first ones had.
  const given = readEnvironment();
  const environment = {
    ...given,
    ...allocatorSettings(given),
    WORKERS: String(plan.workers),
    EXECUTION_SLOTS: String(plan.slots),
  };
  const cannotStart = (reason: string): void => {
    supervisor.kill();
    logger.fatal({ msg: `cannot start: ${reason}`, reason });
    void leave(1);
  };
  const port = new Handover({ patienceMs: PORT_PATIENCE_MS, tls: http.tls !== undefined });
  const digests = new KnownDigests();
  const prepared = new PreparedStore({
    dir: models.preparedDir,
    maxBytes: models.preparedMaxBytes,
    timeoutMs: models.loadTimeoutMs,
    niceness: wanted.threadNiceness,
    env: environment,
    log: logger,
  });
  const supervisor: Supervisor = new Supervisor({
    port,
    open: () =>
      port.listen(http.port, http.host).catch((error: unknown) => cannotStart(`PORT: ${reasonOf(error)}`)),
    stopDelayMs: http.shutdownDelayMs,
    workers: plan.workers,
    env: environment,
    logger,
    heartbeatTimeoutMs: wanted.heartbeatTimeoutMs,
    memoryLimitBytes: wanted.workerMemoryLimitBytes,
    stopTimeoutMs: http.shutdownTimeoutMs,
    onFork(worker, forked) {
      sink.attach(worker.process, forked.place);
      coordinator.serve(forked.channel, {
        id: forked.id,
        admit: () => forked.admit(),
        get standing() {
          return supervisor.standingOf(forked);
        },
        waits: () => supervisor.waits(forked),
      });
      keeper.serve(forked.channel);
      digests.serve(forked.channel);
      prepared.serve(forked.channel, forked.id);
      metrics.attach(forked.id, String(forked.place), forked.channel);
      forked.channel.handle(RECORDS_RUNS, () => suspicion.active);
      worker.once('exit', (code: number | null, signal: string | null) => {
        metrics.detach(forked.id);
        prepared.gone(forked.id);
        suspicion.died(signal, takeRunRecord(runRecordFile(worker.process.pid ?? 0)));
      });
    },
    missing: (loaded) => coordinator.missing(loaded),
    onAllReady: (ready) => logger.info(banner(app, http, ready, plan.workers)),
    onHopeless: cannotStart,
  });
  const directory = new CallerDirectory(access, () => keeper.askIssuer());
  const keeper: AccessKeeper = new AccessKeeper({
    config: access,
    tell(known) {
      directory.take(known);
      for (const process of supervisor.all()) void process.ask(TOPIC.changed, known, TELL_MS);
    },
    log: logger,
  });
  const coordinator: Coordinator = new Coordinator({
    askAll: <Value>(
      topic: string,
      payload: unknown,
      timeoutMs: number,
      except?: ReadonlySet<number>,
      share?: number,
    ) => supervisor.askAll<Value>({ topic, payload, timeoutMs }, except, share),
    tellAll: (topic, payload, timeoutMs) => supervisor.tellAll({ topic, payload, timeoutMs }),
    maxResident: models.maxResident,
    maxMemoryBytes: models.maxMemoryBytes,
    maxLoads: models.maxLoads,
    loadTimeoutMs: models.loadTimeoutMs,
    log: logger,
  });
  const suspicion: Suspicion = new Suspicion({
    now: () => performance.now(),
    record: (on) => void supervisor.askAll({ topic: RECORD_RUNS, payload: on, timeoutMs: TELL_MS }),
    running: () =>
      supervisor.all().flatMap(({ pid }) => {
        const running = readRunRecord(runRecordFile(pid));
        return running === undefined ? [] : [running];
      }),
    accuse: (label, signal) => {
      const at = label.lastIndexOf('/');
      const reason = `workers died by ${signal} while they ran it`;
      void coordinator.quarantine({ model: label.slice(0, at), version: label.slice(at + 1), reason });
    },
  });
  const watch = new FolderWatch({
    intervalMs: models.watchIntervalMs,
    folder: new ModelFolder(models.dir, models.only),
    isLoaded: (model) => coordinator.isLoaded(model),
    load: (model) => coordinator.change({ action: 'renew', model }),
    log: logger,
  });
  const sources = new ModelSources({
    sources: models.sources,
    dir: models.dir,
    maxBytes: models.sourcesMaxBytes,
    intervalMs: models.sourcesIntervalMs,
    changed: () => watch.lookNow(),
    log: logger,
  });
  const metrics = new MetricsServer(
    plan.workers,
    supervisor,
    new ProcessWatch(),
    new Exposition(buildInfo(app.version), settings().metrics),
    keeper,
    prepared,
  );
  const management = new Management({
    host: http.host,
    port: wanted.managementPort,
    heartbeatTimeoutMs: wanted.heartbeatTimeoutMs,
    supervisor,
    metrics: (format) => metrics.text(format),
    refuse: managementGate(access, directory),
    logger,
  });
  if (http.tls !== undefined) await checkTlsFiles(http.tls);
  await keeper.start();
  directory.take(keeper.known);
  if (wanted.managementPort !== 0) {
    management.listen(cannotStart);
  }
  onSignals({
    async stop(signal) {
      logger.info({ msg: 'stopping', signal });
      watch.stop();
      sources.stop();
      keeper.stop();
      await supervisor.stop();
      management.close();
      logger.info({ msg: 'stopped' });
      await leave(0);
    },
    leaveAtOnce() {
      supervisor.kill();
      log.flushSync();
      process.exit(1);
    },
    // What the model folder has now comes first, on all workers at once; each new one then starts with it.
    reload: () => void watch.lookNow().then(() => supervisor.replaceAll('SIGHUP')),
  });
  reportOnSignal(logging.dir, (report) => logger.info(report));
  process.on('SIGUSR2', () => supervisor.signal('SIGUSR2'));
  await sources.pull();
  // While it was pulled, somebody may have asked for a stop.
  if (sources.stopped) return;
  watch.start();
  sources.start();
  supervisor.start();
}

/** How many workers this machine, or its container, has cores and memory for. */
async function countHere(quota: number, { cache, cluster: wanted, models }: Settings): Promise<WorkerCount> {
  const found = await startModels(new ModelFolder(models.dir, models.only), models.required);
  return countWorkers({
    quota,
    maxWorkers: wanted.maxAutoWorkers,
    memoryLimitBytes: memoryLimitBytes(),
    cacheBytes: cache.enabled ? cache.memoryBytes : 0,
    models: needsOf(found, models),
  });
}
