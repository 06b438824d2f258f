import { Module } from '@nestjs/common';
import { InFlightBytes } from '../../http/body/in-flight-bytes';
import { InferenceModule } from '../../inference/inference.module';
import { HttpCalls } from './http-call';
import { JsonThread } from './json-thread';

/** What the protocols over HTTP have in common. */
@Module({
  imports: [InferenceModule],
  providers: [HttpCalls, JsonThread, InFlightBytes],
  exports: [HttpCalls],
})
export class HttpCallModule {}
