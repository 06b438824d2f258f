import { createRequire } from 'node:module';
import type * as PinoPretty from 'pino-pretty';
import { AUDIT_LEVEL, forEachLine } from './log-line';

// Loaded only where people read: the package takes a process's start a fiftieth of a second.
const requireHere = createRequire(__filename);

/** Makes JSON lines readable for people, on the console; the files get JSON always. */
export type ConsoleFormat = (lines: Buffer) => string;

export function consoleFormat(colorize: boolean): ConsoleFormat {
  const { prettyFactory } = requireHere('pino-pretty') as typeof PinoPretty;
  const options = {
    colorize,
    translateTime: 'SYS:HH:MM:ss.l',
    singleLine: true,
    customLevels: `audit:${AUDIT_LEVEL}`,
    useOnlyCustomProps: false,
  };
  // What the text has already is not said again beside it. An application line may have a model or milliseconds, too.
  const application = prettyFactory({
    ...options,
    ignore: 'service,pid,worker,context,requestId',
    messageFormat: (line, messageKey) => applicationText(line, messageKey),
  });
  const access = prettyFactory({
    ...options,
    ignore: 'service,pid,worker,requestId,method,path,status,ms,in,out,ip,model,caller,trace_id,span_id',
    messageFormat: (line) => accessText(line),
  });
  return (lines) => {
    let text = '';
    forEachLine(lines, (line) => {
      text += (ACCESS_LINE.test(line.toString('latin1', 0, ACCESS_PREFIX_BYTES)) ? access : application)(
        line.toString().trimEnd(),
      );
    });
    return text;
  };
}

/** How access lines begin, and no other: the access log writes its fields in a fixed order, pino has the service there. */
const ACCESS_LINE = /^\{"level":"info","time":"[^"]*","requestId":/;
const ACCESS_PREFIX_BYTES = 64;

type LogRecord = Record<string, unknown>;

function applicationText(line: LogRecord, messageKey: string): string {
  const context = typeof line['context'] === 'string' ? `${line['context']}: ` : '';
  return `${context}${text(line[messageKey])}${suffix(line)}`;
}

function accessText(line: LogRecord): string {
  const { method, path, status, ms, model, caller } = line;
  const served = model === undefined ? '' : ` ${text(model)}`;
  const by = caller === undefined ? '' : ` by ${text(caller)}`;
  return `${text(method)} ${text(path)} ${text(status)} ${text(ms)} ms${served}${by}${suffix(line)}`;
}

function suffix(line: LogRecord): string {
  return line['requestId'] === undefined ? '' : ` (${text(line['requestId'])})`;
}

function text(value: unknown): string {
  if (typeof value === 'string') return value;
  return value === undefined ? '' : JSON.stringify(value);
}
