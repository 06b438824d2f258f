import { closeSync, ftruncateSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** To a worker: record runs from here on, or no longer. To the primary: does it want that? */
export const RECORD_RUNS = 'runs.record';
export const RECORDS_RUNS = 'runs.records';

/**
 * What a process is running, in a file that outlives it: a worker that dies of a signal cannot say what killed it. A
 * place of so many bytes for each of its threads: one that says whether a run is under way, then what of, in UTF-8.
 */
const PLACE_BYTES = 256;
const MAX_PLACES = 1024;
const RUNNING = Buffer.from([1]);
const IDLE = Buffer.from([0]);

/** Where a process of that id keeps its record; process and supervisor find it without a word. */
export function runRecordFile(pid: number): string {
  return join(tmpdir(), `nestor-runs-${pid}`);
}

/** Makes an empty record for this process, which nobody else can have put there. */
export function createRunRecord(file: string): void {
  rmSync(file, { force: true });
  const fd = openSync(file, 'wx', 0o600);
  try {
    ftruncateSync(fd, MAX_PLACES * PLACE_BYTES);
  } finally {
    closeSync(fd);
  }
}

/** What was under way when the process died; nothing where it kept no record. */
export function takeRunRecord(file: string): string[] {
  const running = readRunRecord(file) ?? [];
  rmSync(file, { force: true });
  return running;
}

/** What is under way in a process; undefined where it keeps no record. */
export function readRunRecord(file: string): string[] | undefined {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch {
    return undefined;
  }
  const running = new Set<string>();
  for (let at = 0; at + PLACE_BYTES <= bytes.length; at += PLACE_BYTES) {
    if (bytes[at] !== RUNNING[0]) continue;
    const end = bytes.indexOf(0, at + 1);
    running.add(bytes.toString('utf8', at + 1, Math.min(end, at + PLACE_BYTES)));
  }
  return [...running];
}

/** What a place says while a run is under way. @param label of what runs; what does not fit is cut off */
export function runNote(label: string): Buffer {
  const note = Buffer.alloc(PLACE_BYTES);
  RUNNING.copy(note);
  note.write(label, 1, PLACE_BYTES - 2);
  return note;
}

/** Where a thread notes its runs, while it is told to. */
export interface ThreadRecord {
  /** One `Int32`: 1 while runs are to be noted. */
  readonly on: SharedArrayBuffer;
  readonly file: string;
  readonly place: number;
}

/**
 * A thread's place in the record of its process. Two small writes for a run while runs are noted, which the system keeps
 * when the process dies; nothing else.
 */
export class RunPlace {
  private readonly on: Int32Array;
  private readonly at: number;
  private fd: number | undefined;
  private isNoted = false;

  constructor(private readonly record: ThreadRecord) {
    this.on = new Int32Array(record.on);
    this.at = record.place * PLACE_BYTES;
  }

  /** @param note `runNote` of what runs from here on */
  begin(note: Buffer): void {
    if (this.on[0] !== 1 || this.record.place >= MAX_PLACES) return;
    try {
      this.fd ??= openSync(this.record.file, 'r+');
      writeSync(this.fd, note, 0, note.length, this.at);
      this.isNoted = true;
    } catch {
      // It is for the next death, not for this run.
    }
  }

  end(): void {
    if (!this.isNoted) return;
    this.isNoted = false;
    writeSync(this.fd!, IDLE, 0, 1, this.at);
  }

  close(): void {
    if (this.fd !== undefined) closeSync(this.fd);
  }
}
