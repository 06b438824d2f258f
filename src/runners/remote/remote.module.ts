import type { HttpService } from '@nestjs/axios';
import { Module } from '@nestjs/common';
import { LazyModuleLoader } from '@nestjs/core';
import { RemoteFactory } from './remote-factory';
import { HTTP_CLIENT, type HttpClient, RemoteHttp } from './remote-http';
import { RemoteKind } from './remote-kind';

function clientOf(modules: LazyModuleLoader): HttpClient {
  let client: Promise<HttpService> | undefined;
  // One that could not be loaded, as without a free descriptor, is loaded by the next call.
  const failed = (error: unknown): never => {
    client = undefined;
    throw error;
  };
  return () => (client ??= loadClient(modules).catch(failed));
}

async function loadClient(modules: LazyModuleLoader): Promise<HttpService> {
  const { HttpModule, HttpService } = await import('@nestjs/axios');
  return (await modules.load(() => HttpModule)).get(HttpService);
}

@Module({
  providers: [
    { provide: HTTP_CLIENT, inject: [LazyModuleLoader], useFactory: clientOf },
    RemoteFactory,
    RemoteHttp,
    RemoteKind,
  ],
  exports: [RemoteKind],
})
export class RemoteModule {}
