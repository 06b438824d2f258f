import { Global, Module } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { ErrorFilter } from './error.filter';
import { Router } from './router';

/** Global, as every feature with an inference call adds its route to the one front door. */
@Global()
@Module({
  providers: [Router, { provide: APP_FILTER, useClass: ErrorFilter }],
  exports: [Router],
})
export class HttpModule {}
