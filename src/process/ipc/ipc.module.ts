import { Global, Module } from '@nestjs/common';
import { RunRecording } from '../run-recording';
import { Ipc } from './ipc.service';

/** Global: the line to the primary and the record of runs, which it reads, are one for the whole process. */
@Global()
@Module({ providers: [Ipc, RunRecording], exports: [Ipc, RunRecording] })
export class IpcModule {}
