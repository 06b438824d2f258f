import { Logger, type LoggerService } from '@nestjs/common';

/** What Nest says of each module and route as an application starts: of one inside another nobody wants to know. */
const NEST_START = new Set([
  'NestFactory',
  'InstanceLoader',
  'RoutesResolver',
  'RouterExplorer',
  'NestApplication',
]);

/**
 * Starts an application inside another one without a word of Nest's own. The logger of both is the host's: Nest keeps it
 * in a place that all applications of a process share, so that it is put back as it was.
 */
export async function startQuietly<T>(start: () => Promise<T>): Promise<T> {
  const shared = Logger as unknown as { staticInstanceRef?: LoggerService };
  const before = shared.staticInstanceRef;
  if (before === undefined) return start();
  Logger.overrideLogger(withoutNestStart(before));
  try {
    return await start();
  } finally {
    Logger.overrideLogger(before);
  }
}

function withoutNestStart(logger: LoggerService): LoggerService {
  return {
    log: (message: unknown, ...rest: unknown[]) => {
      const context = rest.at(-1);
      if (typeof context !== 'string' || !NEST_START.has(context)) logger.log(message, ...rest);
    },
    error: (message: unknown, ...rest: unknown[]) => void logger.error(message, ...rest),
    warn: (message: unknown, ...rest: unknown[]) => void logger.warn(message, ...rest),
    debug: (message: unknown, ...rest: unknown[]) => void logger.debug?.(message, ...rest),
    verbose: (message: unknown, ...rest: unknown[]) => void logger.verbose?.(message, ...rest),
    fatal: (message: unknown, ...rest: unknown[]) => void logger.fatal?.(message, ...rest),
  };
}
