import { HttpModule } from '@nestjs/axios';
import { Module } from '@nestjs/common';
import { RemoteFactory } from './remote-factory';
import { RemoteHttp } from './remote-http';
import { RemoteStats } from './remote-stats';

@Module({
  imports: [HttpModule],
  providers: [RemoteFactory, RemoteHttp, RemoteStats],
  exports: [RemoteFactory, RemoteStats],
})
export class RemoteModule {}
