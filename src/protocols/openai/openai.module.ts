import { Module, type OnModuleInit } from '@nestjs/common';
import { Router } from '../../http/router';
import { InferenceModule } from '../../inference/inference.module';
import { ModelsModule } from '../../models/models.module';
import { HttpCall } from '../http-call/http-call';
import { OPENAI_PREFIX, openAiErrorBody } from './openai-errors';
import { OpenAiController } from './openai.controller';
import { openAiRoutes } from './openai.routes';

@Module({ imports: [ModelsModule, InferenceModule], controllers: [OpenAiController] })
export class OpenAiModule implements OnModuleInit {
  constructor(
    private readonly router: Router,
    private readonly endpoint: HttpCall,
  ) {}

  onModuleInit(): void {
    this.router.addErrorBody(OPENAI_PREFIX, openAiErrorBody);
    this.router.addRoutes(openAiRoutes(this.endpoint));
  }
}
