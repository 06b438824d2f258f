import { HttpModule } from '@nestjs/axios';
import { Module } from '@nestjs/common';
import { RemoteFactory } from './remote-factory';
import { RemoteHttp } from './remote-http';
import { RemoteKind } from './remote-kind';

@Module({
  imports: [HttpModule],
  providers: [RemoteFactory, RemoteHttp, RemoteKind],
  exports: [RemoteKind],
})
export class RemoteModule {}
