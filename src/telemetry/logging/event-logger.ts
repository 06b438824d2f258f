import { ConsoleLogger, Logger, type LoggerService } from '@nestjs/common';
import { QuietStart } from './nest-logger';

/** What happened, and the facts of it. */
export interface LogEvent {
  readonly msg: string;
  readonly [fact: string]: unknown;
}

/**
 * Nest's logger for events. One that writes objects, as pino does, gets them as they are. Nest's own console, which an
 * application around this one may have, would spread each over several lines: it gets a line of text.
 */
export class EventLogger extends Logger {
  override error(event: LogEvent): void {
    super.error(shown(event));
  }

  override warn(event: LogEvent): void {
    super.warn(shown(event));
  }

  override log(event: LogEvent): void {
    super.log(shown(event));
  }

  override debug(event: LogEvent): void {
    super.debug(shown(event));
  }
}

function shown(event: LogEvent): LogEvent | string {
  return writesText() ? lineOf(event) : event;
}

function writesText(): boolean {
  const { staticInstanceRef } = Logger as unknown as { staticInstanceRef?: LoggerService };
  const logger = staticInstanceRef instanceof QuietStart ? staticInstanceRef.logger : staticInstanceRef;
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
