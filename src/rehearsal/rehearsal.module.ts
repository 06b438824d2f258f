import { Module } from '@nestjs/common';
import { InferenceModule } from '../inference/inference.module';
import { Rehearsal } from './rehearsal';

@Module({
  imports: [InferenceModule],
  providers: [Rehearsal],
})
export class RehearsalModule {}
