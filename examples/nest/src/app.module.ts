import { Module } from '@nestjs/common';
import { NestorModule } from 'nestor';
import { FlowersController } from './flowers.controller.js';

@Module({
  imports: [
    // Nestor's own calls are below /ml; leave `mount` out to have `infer()` alone.
    NestorModule.forRoot({ modelDir: process.env.MODEL_DIR ?? 'models', mount: '/ml' }),
    NestorModule.forModels('iris'),
  ],
  controllers: [FlowersController],
})
export class AppModule {}
