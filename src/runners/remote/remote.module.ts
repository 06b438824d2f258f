import { HttpModule } from '@nestjs/axios';
import { Module } from '@nestjs/common';
import { RemoteFactory } from './remote-factory';
import { RemoteHttp } from './remote-http';

@Module({
  imports: [HttpModule],
  providers: [RemoteFactory, RemoteHttp],
  exports: [RemoteFactory],
})
export class RemoteModule {}
