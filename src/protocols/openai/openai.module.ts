import { Module, type OnModuleInit } from '@nestjs/common';
import { Router } from '../../http/router';
import { ModelsModule } from '../../models/models.module';
import { HttpCalls } from '../http-call/http-call';
import { HttpCallModule } from '../http-call/http-call.module';
import { OPENAI_PREFIX, openAiErrorBody } from './openai-errors';
import { OpenAiController } from './openai.controller';
import { openAiRoutes } from './embeddings.protocol';

@Module({ imports: [ModelsModule, HttpCallModule], controllers: [OpenAiController] })
export class OpenAiModule implements OnModuleInit {
  constructor(
    private readonly router: Router,
    private readonly calls: HttpCalls,
  ) {}

  onModuleInit(): void {
    this.router.addErrorBody(OPENAI_PREFIX, openAiErrorBody);
    this.router.addRoutes(openAiRoutes(this.calls));
  }
}
