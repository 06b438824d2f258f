import { Global, Module } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { ErrorFilter } from './error.filter';
import { Router } from './router';
import { EventLoopYield } from './event-loop-yield';

/** Global, as every feature with an inference call adds its route to the one front door. */
@Global()
@Module({
  providers: [Router, EventLoopYield, { provide: APP_FILTER, useClass: ErrorFilter }],
  exports: [Router, EventLoopYield],
})
export class HttpModule {}
