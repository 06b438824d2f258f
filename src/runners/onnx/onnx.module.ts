import { Module } from '@nestjs/common';
import { CpuModule } from '../../process/cpu/cpu.module';
import { OnnxKind } from './onnx-kind';
import { PreparedModels } from './prepared/prepared-models';
import { SessionFactory } from './session-factory';

@Module({
  imports: [CpuModule],
  providers: [OnnxKind, PreparedModels, SessionFactory],
  exports: [OnnxKind],
})
export class OnnxModule {}
