import type { ChildProcess } from 'node:child_process';
import { Readable } from 'node:stream';
import { isatty } from 'node:tty';
import type { LoggingConfig } from '../../config/slices';
import { consoleFormat, type ConsoleFormat } from './console-format';
import { LineAssembler } from './line-assembler';
import { LineOutput } from './line-output';
import { LogFiles } from './log-files';
import {
  forEachLine,
  isAuditLine,
  isErrorLine,
  isJsonLine,
  type Level,
  logLine,
  type Origin,
} from './log-line';

const CONSOLE_PENDING_BYTES = 4 * 1_048_576;
const STDERR_LINE_BYTES = 65_536;
const FRAGMENT_BYTES = 4_096;
const PIPES_END_MS = 1_000;

/** The `stdio` with which the primary forks a worker, so that {@link LogSink.attach} finds its lines. */
export const WORKER_STDIO = ['ignore', 'pipe', 'pipe', 'pipe', 'ipc'] as const;
/** Where a worker writes. */
export const WORKER_FD = { app: 1, access: 3 } as const;

export interface LogSinkOptions {
  stdoutFd?: number;
  stderrFd?: number;
  /** How often failed or removed files are tried again. */
  fileCheckMs?: number;
}

/**
 * Where all lines of the server end: the console and the rotating files. Lives in the primary, or in
 * the only process; knows no Nest. Nothing here waits for a reader or a disk, and nothing throws.
 */
export class LogSink {
  private readonly stdout: LineOutput;
  private readonly stderr: LineOutput;
  /** Undefined: the console gets JSON as well. */
  private readonly format: ConsoleFormat | undefined;
  private readonly files?: LogFiles;
  private readonly pipes = new Set<Promise<void>>();

  constructor(
    private readonly logging: LoggingConfig,
    options: LogSinkOptions = {},
  ) {
    const { stdoutFd = 1, stderrFd = 2, fileCheckMs } = options;
    const output = (fd: number, name: string) =>
      new LineOutput(fd, {
        maxPendingBytes: CONSOLE_PENDING_BYTES,
        onRecovered: (droppedLines) => this.note('warn', `${name} was not read`, { droppedLines }),
      });
    this.stdout = output(stdoutFd, 'stdout');
    this.stderr = output(stderrFd, 'stderr');
    this.format = logging.format === 'pretty' ? consoleFormat(isatty(stdoutFd)) : undefined;
    if (logging.dir === undefined) return;
    const note = this.note.bind(this);
    this.files = new LogFiles(logging.dir, logging, note, fileCheckMs);
  }

  /** Takes whole application lines in pino's JSON. */
  app(lines: Buffer): void {
    this.stdout.write(this.format?.(lines) ?? lines);
    this.toFiles(lines);
  }

  /** Takes whole access lines in JSON. */
  access(lines: Buffer): void {
    this.stdout.write(this.format?.(lines) ?? lines);
    this.files?.write('access', lines);
  }

  /** Reads a worker's lines until its pipes end. The worker was forked with {@link WORKER_STDIO}. */
  attach(child: ChildProcess, worker: number): void {
    const origin: Origin = { service: this.logging.service, pid: child.pid ?? 0, worker };
    const fragment = (bytes: Buffer) => this.cutOff(bytes, origin);
    const accessLines = new LineAssembler((lines) => this.access(lines), fragment);
    const appLines = new LineAssembler((lines) => this.app(withTextWrapped(lines, origin)), fragment);
    const text = (lines: Buffer) => this.errorText(lines, origin);
    const errorLines = new LineAssembler(text, text, STDERR_LINE_BYTES);
    this.read(child.stdout, appLines);
    this.read(child.stderr, errorLines);
    this.read(child.stdio[WORKER_FD.access], accessLines);
  }

  /** For the last moments of a process. */
  flushSync(): void {
    this.files?.flushSync();
    this.stdout.flushSync();
    this.stderr.flushSync();
  }

  /** Takes in what workers that have ended left in their pipes, then writes and closes everything. */
  async close(): Promise<void> {
    let deadline: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => (deadline = setTimeout(resolve, PIPES_END_MS)));
    await Promise.race([Promise.all(this.pipes), late]);
    clearTimeout(deadline);
    await this.files?.close();
    await Promise.all([this.stdout.close(), this.stderr.close()]);
  }

  private read(pipe: unknown, lines: LineAssembler): void {
    if (!(pipe instanceof Readable)) throw new Error('The worker was not forked with WORKER_STDIO');
    const ended = new Promise<void>((resolve) => {
      pipe.on('data', (chunk: Buffer) => lines.push(chunk));
      pipe.once('close', () => {
        lines.end();
        resolve();
      });
      // A reset pipe closes as well; there is nothing else to do about it.
      pipe.on('error', () => undefined);
    });
    this.pipes.add(ended);
    void ended.then(() => this.pipes.delete(ended));
  }

  private toFiles(lines: Buffer): void {
    if (this.files === undefined) return;
    const errors: Buffer[] = [];
    const audits: Buffer[] = [];
    forEachLine(lines, (line) => {
      if (isErrorLine(line)) errors.push(line);
      else if (isAuditLine(line)) audits.push(line);
    });
    if (audits.length > 0) this.files.write('audit', Buffer.concat(audits));
    this.files.write('app', lines);
    if (errors.length > 0) this.files.write('error', Buffer.concat(errors));
  }

  /** What a worker's runtime prints when it crashes: as it is on stderr, as error lines in the files. */
  private errorText(lines: Buffer, origin: Origin): void {
    this.stderr.write(lines);
    this.toFiles(wrapped(lines, 'error', origin));
  }

  private cutOff(fragment: Buffer, origin: Origin): void {
    const head = fragment.toString('utf8', 0, FRAGMENT_BYTES);
    this.app(logLine('warn', origin, 'a log line was cut off', { head }));
  }

  private note(level: Level, msg: string, fields: object): void {
    const origin: Origin = { service: this.logging.service, pid: process.pid };
    this.app(logLine(level, origin, msg, { context: 'LogSink', ...fields }));
  }
}

/** Lines that some library printed past the logger become JSON like the others. */
function withTextWrapped(lines: Buffer, origin: Origin): Buffer {
  let plain = false;
  forEachLine(lines, (line) => (plain ||= !isJsonLine(line)));
  return plain ? wrapped(lines, 'info', origin, isJsonLine) : lines;
}

function wrapped(lines: Buffer, level: Level, origin: Origin, keep?: (line: Buffer) => boolean): Buffer {
  const out: Buffer[] = [];
  forEachLine(lines, (line) => {
    if (keep?.(line)) out.push(line);
    else if (line.length > 1) out.push(logLine(level, origin, line.toString().trimEnd()));
  });
  return Buffer.concat(out);
}
