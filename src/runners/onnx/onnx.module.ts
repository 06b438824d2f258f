import { Module } from '@nestjs/common';
import { CpuModule } from '../../process/cpu/cpu.module';
import { OnnxKind } from './onnx-kind';
import { SessionFactory } from './session-factory';

@Module({
  imports: [CpuModule],
  providers: [OnnxKind, SessionFactory],
  exports: [OnnxKind],
})
export class OnnxModule {}
