import { pino, type DestinationStream, type Logger, type LoggerOptions } from 'pino';
import type { LoggingConfig } from '../../config/slices';
import { errorForLog } from './error-for-log';
import type { LogEvent, Origin } from './log-line';
import { AUDIT_LEVEL, isoTime } from './log-line';
import { CENSOR, CHILD_PATHS, redacted, redactedText } from './redaction';

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
