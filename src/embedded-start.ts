import { Logger, type LoggerService } from '@nestjs/common';
import { NestLogger } from './telemetry/logging/event-logger';

/**
 * Starts an application inside another one without a word of Nest's own. The logger of both is the host's: Nest keeps it
 * in a place that all applications of a process share, so that it is put back as it was.
 */
export async function startQuietly<T>(start: () => Promise<T>): Promise<T> {
  const shared = Logger as unknown as { staticInstanceRef?: LoggerService };
  const before = shared.staticInstanceRef;
  if (before === undefined) return start();
  Logger.overrideLogger(new NestLogger(before, 'silent'));
  try {
    return await start();
  } finally {
    Logger.overrideLogger(before);
  }
}
