import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { reasonOf } from '../errors/domain-error';
import { Ipc } from './ipc/ipc.service';
import { createRunRecord, RECORD_RUNS, RECORDS_RUNS, runRecordFile, type ThreadRecord } from './run-record';

const ASK_MS = 5000;

/** Keeps a record of the runs of this process while the primary wants one, as workers die of them. */
@Injectable()
export class RunRecording implements OnModuleInit {
  private readonly logger = new Logger(RunRecording.name);
  /** Read by the threads before each run. */
  private readonly on = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  private readonly file = runRecordFile(process.pid);
  private readonly taken = new Set<number>();
  private created = false;

  constructor(private readonly ipc: Ipc) {
    ipc.handle<boolean, void>(RECORD_RUNS, (on) => this.record(on));
  }

  async onModuleInit(): Promise<void> {
    // Without a primary nobody would read it.
    const wanted = await this.ipc.askPrimary<boolean>(RECORDS_RUNS, undefined, ASK_MS).catch(() => false);
    if (wanted) this.record(true);
  }

  /** A place for a thread, until it is given back. */
  take(): ThreadRecord {
    let place = 0;
    while (this.taken.has(place)) place++;
    this.taken.add(place);
    return { on: this.on.buffer, file: this.file, place };
  }

  giveBack({ place }: ThreadRecord): void {
    this.taken.delete(place);
  }

  private record(on: boolean): void {
    try {
      if (on && !this.created) createRunRecord(this.file);
      this.created ||= on;
      Atomics.store(this.on, 0, on ? 1 : 0);
    } catch (error) {
      this.logger.error({ msg: 'runs cannot be recorded', reason: reasonOf(error) });
    }
  }
}
