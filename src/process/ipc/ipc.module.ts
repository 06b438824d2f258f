import { Global, Module } from '@nestjs/common';
import { Ipc } from './ipc.service';

/** Global: the line to the primary is one for the whole process. */
@Global()
@Module({ providers: [Ipc], exports: [Ipc] })
export class IpcModule {}
