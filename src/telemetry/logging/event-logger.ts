import { ConsoleLogger, Logger, type LoggerService } from '@nestjs/common';
import type { EventLog, LogEvent } from './log-line';

/**
 * Tells events to Nest's logger. One that writes objects, as pino does, gets them as they are. Nest's own console, which
 * an application around this one may have, would spread each over several lines: it gets a line of text.
 */
export class EventLogger implements EventLog {
  private readonly logger: Logger;

  /** @param context whose events they are */
  constructor(context: string) {
    this.logger = new Logger(context);
  }

  error(event: LogEvent): void {
    this.logger.error(shown(event));
  }

  warn(event: LogEvent): void {
    this.logger.warn(shown(event));
  }

  info(event: LogEvent): void {
    this.logger.log(shown(event));
  }

  debug(event: LogEvent): void {
    this.logger.debug(shown(event));
  }
}

/** What Nest says while it puts the application together: of use to whoever changes it, noise to who runs it. */
const ASSEMBLY = new Set([
  'NestFactory',
  'InstanceLoader',
  'RoutesResolver',
  'RouterExplorer',
  'NestApplication',
]);

/** A logger behind Nest's, which gets the lines of Nest's assembly at debug level, or none of them. */
export class NestLogger implements LoggerService {
  constructor(
    readonly logger: LoggerService,
    private readonly assembly: 'at debug' | 'silent',
  ) {}

  log(message: unknown, ...rest: unknown[]): void {
    const context = rest.at(-1);
    if (typeof context !== 'string' || !ASSEMBLY.has(context)) this.logger.log(message, ...rest);
    else if (this.assembly === 'at debug') this.debug(message, ...rest);
  }

  error(message: unknown, ...rest: unknown[]): void {
    this.logger.error(message, ...rest);
  }

  warn(message: unknown, ...rest: unknown[]): void {
    this.logger.warn(message, ...rest);
  }

  debug(message: unknown, ...rest: unknown[]): void {
    this.logger.debug?.(message, ...rest);
  }

  verbose(message: unknown, ...rest: unknown[]): void {
    this.logger.verbose?.(message, ...rest);
  }

  fatal(message: unknown, ...rest: unknown[]): void {
    this.logger.fatal?.(message, ...rest);
  }
}

function shown(event: LogEvent): LogEvent | string {
  return writesText() ? lineOf(event) : event;
}

function writesText(): boolean {
  const { staticInstanceRef } = Logger as unknown as { staticInstanceRef?: LoggerService };
  const logger = staticInstanceRef instanceof NestLogger ? staticInstanceRef.logger : staticInstanceRef;
  if (!(logger instanceof ConsoleLogger)) return false;
  return (logger as unknown as { options?: { json?: boolean } }).options?.json !== true;
}

/** `model loaded: model=iris version=1 takes="row of 4 columns"` */
function lineOf({ msg, ...facts }: LogEvent): string {
  const told = Object.entries(facts).filter(([, value]) => value !== undefined);
  return told.length === 0
    ? msg
    : `${msg}: ${told.map(([name, value]) => `${name}=${textOf(value)}`).join(' ')}`;
}

function textOf(value: unknown): string {
  if (value instanceof Error) return JSON.stringify(value.stack ?? value.message);
  if (typeof value === 'string') return /^[^\s"]+$/.test(value) ? value : JSON.stringify(value);
  return JSON.stringify(value) ?? 'undefined';
}

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
