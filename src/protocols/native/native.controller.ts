import { Controller, Get, HttpCode, Param, Post, Query, Req, Res, StreamableFile } from '@nestjs/common';
import { ApiBody, ApiOperation, ApiParam, ApiQuery, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { DomainError } from '../../errors/domain-error';
import { Router } from '../../http/router';
import { ModelsService } from '../../models/models.service';
import { declaredExample } from './declared-example';
import { ErrorResponse, InferenceResponse, ModelDetailsResponse, ModelListResponse } from './native.dto';
import { describeModel, describeServed, type ModelDescription, type ModelDetails } from './model-description';
import { HttpCalls } from '../http-call/http-call';
import { ApiPage, modelPage } from '../http-call/model-page';
import { nativeProtocol, nativeTarget } from './native.protocol';
import { ModelReader } from '../../inference/model-reader';

@ApiTags('inference')
@Controller('inference')
export class NativeController {
  constructor(
    private readonly models: ModelsService,
    private readonly reader: ModelReader,
    private readonly calls: HttpCalls,
    private readonly router: Router,
  ) {}

  /** The models in the model folder that the caller may see, with their states. */
  @Get('models')
  @ApiPage()
  @ApiResponse({ status: 200, type: ModelListResponse })
  @ApiResponse({ status: 400, type: ErrorResponse, description: 'A limit or cursor that there is not.' })
  async list(@Req() req: IncomingMessage): Promise<{ models: ModelDescription[]; next_cursor?: string }> {
    const all = await this.models.list();
    const { models, next } = modelPage(all, req);
    return { models: models.map(describeModel), next_cursor: next };
  }

  /** What a model takes and gives, with a request body that succeeds. Loads the model if need be. */
  @Get(':model')
  @ApiParam({ name: 'model', example: 'digits' })
  @ApiQuery({ name: 'version', required: false, description: 'A version; the highest one when left out.' })
  @ApiResponse({ status: 200, type: ModelDetailsResponse })
  @ApiResponse({ status: 404, type: ErrorResponse, description: 'Unknown model or version.' })
  @ApiResponse({ status: 503, type: ErrorResponse, description: 'The model cannot be loaded.' })
  @ApiResponse({ status: 504, type: ErrorResponse, description: 'It did not load in time.' })
  describe(@Param('model') name: string, @Query('version') version?: string): Promise<ModelDetails> {
    return this.reader.withModel(name, version, describeServed);
  }

  /** The picture that stands for an example of a model that takes pictures. */
  @Get(':model/example')
  @ApiParam({ name: 'model', example: 'digits' })
  @ApiResponse({ status: 200, description: 'The picture.', content: { 'image/*': {} } })
  @ApiResponse({ status: 404, type: ErrorResponse, description: 'The model has no such example.' })
  async example(@Param('model') name: string): Promise<StreamableFile> {
    const found = await this.reader.withModel(name, undefined, (_, served) => {
      const example = declaredExample(served);
      if (example === undefined || 'body' in example) return undefined;
      return { type: example.type, bytes: served.processing!.file(example.file) };
    });
    if (found === undefined)
      throw new DomainError('route_not_found', `Model "${name}" has no picture for an example.`);
    return new StreamableFile(await found.bytes, { type: found.type });
  }

  /**
   * Run a model. Served before Express in Nestor's own server; this handler does the same where the module
   * is mounted in another application, which must leave the body unread.
   */
  @Post(':model')
  @HttpCode(200)
  @ApiOperation({ summary: 'Run a model' })
  @ApiParam({ name: 'model', example: 'digits' })
  @ApiQuery({ name: 'version', required: false })
  @ApiQuery({ name: 'use_cache', required: false, schema: { type: 'boolean', default: true } })
  @ApiBody({ schema: { type: 'object', additionalProperties: true } })
  @ApiResponse({ status: 200, type: InferenceResponse })
  infer(@Param('model') model: string, @Req() req: IncomingMessage, @Res() res: ServerResponse): void {
    const exchange = this.router.exchange(req, res);
    this.calls
      .handle(exchange, nativeTarget(model, req.url), nativeProtocol)
      .catch((thrown: unknown) => this.router.report(exchange, exchange.fail(thrown)));
  }
}
