import { Controller, Get, HttpCode, Inject, Param, Post, Req, Res } from '@nestjs/common';
import {
  ApiBody,
  ApiExtraModels,
  ApiHeader,
  ApiOperation,
  ApiParam,
  ApiResponse,
  ApiTags,
  getSchemaPath,
} from '@nestjs/swagger';
import type { Response } from 'express';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type ClusterConfig, clusterConfig } from '../../config/config.slices';
import { DomainError } from '../../errors/domain-error';
import { Router } from '../../http/router';
import { ServerReadiness } from '../../health/server-readiness';
import { HttpCalls } from '../http-call/http-call';
import { ApiPage, modelPage } from '../http-call/model-page';
import { ModelReader } from '../../inference/model-reader';
import { ModelsService } from '../../models/models.service';
import { configOf, describeV2, type V2ModelConfig } from './model-metadata';
import { INFER_ERRORS, V2Errors } from './v2-errors';
import { v2Protocol } from './v2.protocol';
import { V2InferRequest, V2InferResponse, V2ModelList, V2ModelMetadata, V2ModelReady } from './v2.dto';
import { V2_TAG } from './v2-call';

/** The paths of a call about a model, or about one version of it. */
const of = (call: string): string[] => [`:model${call}`, `:model/versions/:version${call}`];

/** The protocol's calls about one model. */
@ApiTags(V2_TAG)
@Controller('v2/models')
export class V2ModelsController {
  constructor(
    private readonly models: ModelsService,
    private readonly reader: ModelReader,
    private readonly calls: HttpCalls,
    private readonly router: Router,
    private readonly condition: ServerReadiness,
    @Inject(clusterConfig.KEY) private readonly cluster: ClusterConfig,
  ) {}

  /** The names of the models in the model folder that the caller may see, loaded or not. */
  @Get()
  @ApiPage()
  @ApiResponse({ status: 200, type: V2ModelList })
  @V2Errors(400)
  async list(@Req() req: IncomingMessage): Promise<V2ModelList> {
    const { models, next } = modelPage(await this.models.list(), req);
    return { models: models.map(({ name }) => name), next_cursor: next };
  }

  /** What a model takes and gives. Loads the model if need be. */
  @Get(of(''))
  @ApiParam({ name: 'model', example: 'iris' })
  @ApiParam({ name: 'version', example: '1' })
  @ApiResponse({ status: 200, type: V2ModelMetadata })
  @V2Errors(400, 404, 503, 504)
  describe(@Param('model') name: string, @Param('version') version?: string): Promise<V2ModelMetadata> {
    return this.reader.withModel(name, version, describeV2);
  }

  /** Can a model serve at once? A model that is not loaded yet is not ready, but a request would load it. */
  @Get(of('/ready'))
  @ApiParam({ name: 'model', example: 'iris' })
  @ApiParam({ name: 'version', example: '1' })
  @ApiResponse({ status: 200, type: V2ModelReady })
  @ApiResponse({ status: 503, type: V2ModelReady, description: 'Not ready.' })
  @V2Errors(400, 404)
  ready(
    @Res({ passthrough: true }) res: Response,
    @Param('model') name: string,
    @Param('version') version?: string,
  ): V2ModelReady {
    const model = this.models.entry(name);
    const entry = model.version(version);
    if (entry === undefined && version !== undefined && model.versions.size > 0) {
      throw new DomainError('version_not_found', `Model "${name}" has no version "${version}".`);
    }
    const readiness = entry?.readiness();
    const { fault } = this.condition;
    if (readiness?.ready === true && fault === undefined) return { name, ready: true };
    res.status(503);
    const ofModel =
      readiness?.reason || model.reason || (model.unloaded ? 'it was unloaded' : 'it is not loaded');
    return { name, ready: false, error: `Model "${name}" is not ready: ${fault ?? ofModel}.` };
  }

  /** A model's resolved configuration, in the words of Triton's. Loads the model if need be. */
  @Get(of('/config'))
  @ApiParam({ name: 'model', example: 'iris' })
  @ApiParam({ name: 'version', example: '1' })
  @ApiResponse({ status: 200, schema: { type: 'object', additionalProperties: true } })
  @V2Errors(400, 404, 503, 504)
  config(@Param('model') name: string, @Param('version') version?: string): Promise<V2ModelConfig> {
    // Where there is no primary there is one process, too.
    const workers = Number(this.cluster.workers) || 1;
    return this.reader.withModel(name, version, (model, served) => configOf(model, served, workers));
  }

  /**
   * Run a model. Served before Express in Nestor's own server; this handler does the same where the module
   * is mounted in another application, which must leave the body unread.
   */
  @Post(of('/infer'))
  @HttpCode(200)
  @ApiOperation({ summary: 'Run a model' })
  @ApiParam({ name: 'model', example: 'iris' })
  @ApiParam({ name: 'version', example: '1' })
  @ApiHeader({
    name: 'Inference-Header-Content-Length',
    required: false,
    description: 'Length of the JSON in bytes, where binary tensors follow it.',
    schema: { type: 'integer', minimum: 0 },
  })
  @ApiExtraModels(V2InferResponse)
  @ApiBody({ type: V2InferRequest })
  @ApiResponse({
    status: 200,
    description: 'The outputs; with the header Inference-Header-Content-Length where some are binary.',
    content: {
      'application/json': { schema: { $ref: getSchemaPath(V2InferResponse) } },
      'application/octet-stream': { schema: { type: 'string', format: 'binary' } },
    },
  })
  @V2Errors(...INFER_ERRORS)
  infer(
    @Req() req: IncomingMessage,
    @Res() res: ServerResponse,
    @Param('model') model: string,
    @Param('version') version?: string,
  ): void {
    const exchange = this.router.exchange(req, res);
    this.calls
      .handle(exchange, { model, version }, v2Protocol)
      .catch((thrown: unknown) => this.router.report(exchange, exchange.fail(thrown)));
  }
}
