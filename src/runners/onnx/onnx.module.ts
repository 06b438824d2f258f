import { Module } from '@nestjs/common';
import { CpuModule } from '../../process/cpu/cpu.module';
import { SessionFactory } from './session-factory';

@Module({
  imports: [CpuModule],
  providers: [SessionFactory],
  exports: [SessionFactory],
})
export class OnnxModule {}
