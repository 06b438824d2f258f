import { type Logger, pino, type DestinationStream, type LoggerOptions } from 'pino';
import type { LoggingConfig } from '../../config/slices';
import { AccessLog } from './access-log';
import { LineOutput } from './line-output';
import { type Origin, type LogEvent, AUDIT_LEVEL, isoTime } from './log-line';
import { LogSink, WORKER_FD } from './log-sink';
import { errorForLog, CENSOR, CHILD_PATHS, redacted, redactedText } from './redaction';

const APP_PENDING_BYTES = 1_048_576;
const ACCESS_PENDING_BYTES = 4 * 1_048_576;

/** The logger and the access log of one process, and where they end. */
export class ProcessLog {
  private readonly flushAtExit = () => this.flushSync();

  constructor(
    readonly logger: Logger,
    readonly audit: AuditLogger,
    readonly access: AccessLog,
    private readonly outputs: readonly { flushSync(): void; close(): Promise<void> }[],
  ) {
    process.once('exit', this.flushAtExit);
  }

  /** For the last moments of a process; runs by itself when it exits. */
  flushSync(): void {
    this.access.flush();
    for (const output of this.outputs) output.flushSync();
  }

  /** The last thing that a process does: writes all that was logged. What comes later may be lost. */
  async close(): Promise<void> {
    this.access.flush();
    await Promise.all(this.outputs.map((output) => output.close()));
    process.removeListener('exit', this.flushAtExit);
  }
}

/** The log of a worker, whose lines go to the primary. */
export function openWorkerLog(logging: LoggingConfig, worker: number): ProcessLog {
  const origin: Origin = { service: logging.service, pid: process.pid, worker };
  const app = new LineOutput(WORKER_FD.app, {
    maxPendingBytes: APP_PENDING_BYTES,
    onRecovered: (droppedLines) => logger.warn({ msg: 'log lines were dropped', droppedLines }),
  });
  const logger = createLogger(logging.level, origin, app);
  const audit = createAuditLogger(origin, app);
  if (!logging.access) return new ProcessLog(logger, audit, new AccessLog(undefined, origin), [app]);
  const access = new LineOutput(WORKER_FD.access, {
    maxPendingBytes: ACCESS_PENDING_BYTES,
    onRecovered: (droppedLines) => logger.warn({ msg: 'access lines were dropped', droppedLines }),
  });
  return new ProcessLog(logger, audit, new AccessLog(access, origin, logging.slowRequestMs), [access, app]);
}

/** The log of the primary, or of a server of one process, which holds the sink itself. */
export function openLocalLog(logging: LoggingConfig, sink = new LogSink(logging)): ProcessLog {
  const origin: Origin = { service: logging.service, pid: process.pid };
  const destination = {
    write: (line: string) => sink.app(Buffer.from(line)),
    flushSync: () => sink.flushSync(),
  };
  const logger = createLogger(logging.level, origin, destination);
  const audit = createAuditLogger(origin, destination);
  const access = { write: (lines: Buffer) => sink.access(Buffer.from(lines)) };
  const accessLog = new AccessLog(logging.access ? access : undefined, origin, logging.slowRequestMs);
  return new ProcessLog(logger, audit, accessLog, [sink]);
}

/** Writes who changed what, whatever the level of the other lines is. */
export interface AuditLogger {
  audit(event: LogEvent): void;
}

/** The logger of a process: JSON lines with service, pid and worker, without secrets and tensor data. */
export function createLogger(
  level: LoggingConfig['level'],
  origin: Origin,
  destination: DestinationStream,
): Logger {
  return pino({ level, ...optionsOf(origin) }, destination);
}

export function createAuditLogger(origin: Origin, destination: DestinationStream): AuditLogger {
  const customLevels = { audit: AUDIT_LEVEL };
  return pino<'audit'>({ level: 'audit', customLevels, ...optionsOf(origin) }, destination);
}

function optionsOf(origin: Origin) {
  return {
    base: origin,
    timestamp: () => `,"time":"${isoTime()}"`,
    formatters: { level: (level: string) => ({ level }), log: redacted },
    redact: { paths: CHILD_PATHS, censor: CENSOR },
    serializers: { err: errorForLog, error: errorForLog },
    hooks: { streamWrite: redactedText },
  } satisfies LoggerOptions;
}
