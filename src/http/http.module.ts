import { Global, Module } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { DrainingService } from './draining.service';
import { ErrorFilter } from './error.filter';
import { FrontDoor } from './front-door';
import { MetricsController } from './metrics.controller';
import { ServerCondition } from './server-condition';
import { TurnPacer } from './turn-pacer';

/** Global, as every feature with an inference call adds its route to the one front door. */
@Global()
@Module({
  controllers: [MetricsController],
  providers: [
    FrontDoor,
    ServerCondition,
    DrainingService,
    TurnPacer,
    { provide: APP_FILTER, useClass: ErrorFilter },
  ],
  exports: [FrontDoor, ServerCondition, TurnPacer],
})
export class HttpModule {}
