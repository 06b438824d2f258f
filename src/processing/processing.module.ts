import { Module } from '@nestjs/common';
import { CpuModule } from '../process/cpu/cpu.module';
import { Processing } from './processing.service';

@Module({ imports: [CpuModule], providers: [Processing], exports: [Processing] })
export class ProcessingModule {}
