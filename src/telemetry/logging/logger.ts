import { pino, type DestinationStream, type Logger } from 'pino';
import type { LoggingConfig } from '../../config/slices';
import { errorForLog } from './error-for-log';
import type { Origin } from './log-line';
import { CENSOR, CHILD_PATHS, redacted, redactedText } from './redaction';

/** The logger of a process: JSON lines with pid and worker, without secrets and tensor data. */
export function createLogger(
  level: LoggingConfig['level'],
  origin: Origin,
  destination: DestinationStream,
): Logger {
  return pino(
    {
      level,
      base: origin,
      formatters: { log: redacted },
      redact: { paths: CHILD_PATHS, censor: CENSOR },
      serializers: { err: errorForLog, error: errorForLog },
      hooks: { streamWrite: redactedText },
    },
    destination,
  );
}
