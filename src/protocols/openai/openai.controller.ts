import { Controller, Get, HttpCode, Param, Post, Req, Res } from '@nestjs/common';
import { ApiBody, ApiOperation, ApiParam, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Router } from '../../http/router';
import { ModelsService } from '../../models/models.service';
import { HttpCalls } from '../http-call/http-call';
import { ApiPage, modelPage } from '../http-call/model-page';
import { EmbeddingsProtocol } from './embeddings.protocol';
import {
  EmbeddingsBody,
  EmbeddingsResponse,
  OpenAiErrorResponse,
  OpenAiModel,
  OpenAiModelList,
} from './openai.dto';

/** What OpenAI's clients call. */
@ApiTags('openai')
@Controller('v1')
export class OpenAiController {
  constructor(
    private readonly models: ModelsService,
    private readonly calls: HttpCalls,
    private readonly router: Router,
  ) {}

  /** The models in the model folder that the caller may see. Those that declare texts and an embedding make embeddings. */
  @Get('models')
  @ApiPage()
  @ApiResponse({ status: 200, type: OpenAiModelList })
  @ApiResponse({
    status: 400,
    type: OpenAiErrorResponse,
    description: 'A limit or cursor that there is not.',
  })
  async list(@Req() req: IncomingMessage): Promise<OpenAiModelList> {
    const { models, next } = modelPage(await this.models.list(), req);
    return { object: 'list', data: models.map(({ name }) => modelOf(name)), next_cursor: next };
  }

  /** Is there a model of this name? */
  @Get('models/:model')
  @ApiParam({ name: 'model', example: 'iris' })
  @ApiResponse({ status: 200, type: OpenAiModel })
  @ApiResponse({ status: 404, type: OpenAiErrorResponse, description: 'There is no such model.' })
  one(@Param('model') name: string): OpenAiModel {
    return modelOf(this.models.entry(name).name);
  }

  /**
   * Vectors of texts. Served before Express in Nestor's own server; this handler does the same where the module is
   * mounted in another application, which must leave the body unread.
   */
  @Post('embeddings')
  @HttpCode(200)
  @ApiOperation({ summary: 'Embed texts' })
  @ApiBody({ type: EmbeddingsBody })
  @ApiResponse({ status: 200, type: EmbeddingsResponse })
  @ApiResponse({ status: 400, type: OpenAiErrorResponse, description: 'The body is not what it should be.' })
  @ApiResponse({ status: 404, type: OpenAiErrorResponse, description: 'There is no such model.' })
  @ApiResponse({
    status: 413,
    type: OpenAiErrorResponse,
    description: 'A text, or all of them, are too long.',
  })
  @ApiResponse({ status: 415, type: OpenAiErrorResponse, description: 'The body is no JSON.' })
  embeddings(@Req() req: IncomingMessage, @Res() res: ServerResponse): void {
    const exchange = this.router.exchange(req, res);
    const protocol = new EmbeddingsProtocol();
    this.calls
      .handle(exchange, (body) => protocol.target(body), protocol)
      .catch((thrown: unknown) => this.router.report(exchange, exchange.fail(thrown)));
  }
}

function modelOf(name: string): OpenAiModel {
  return { id: name, object: 'model', created: 0, owned_by: 'nestor' };
}
