import { Module } from '@nestjs/common';
import { OnnxKind } from './onnx/onnx-kind';
import { OnnxModule } from './onnx/onnx.module';
import { RemoteKind } from './remote/remote-kind';
import { RemoteModule } from './remote/remote.module';
import { RUNNER_KINDS, type RunnerKind } from './runner-kind';

/** Where the kinds of runners are put together: nothing else names one. */
@Module({
  imports: [OnnxModule, RemoteModule],
  providers: [
    {
      provide: RUNNER_KINDS,
      inject: [OnnxKind, RemoteKind],
      useFactory: (...kinds: RunnerKind[]): readonly RunnerKind[] => kinds,
    },
  ],
  exports: [RUNNER_KINDS],
})
export class RunnersModule {}
