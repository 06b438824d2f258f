import { Controller, Get, Param, Req } from '@nestjs/common';
import { ApiParam, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { IncomingMessage } from 'node:http';
import { cut } from '../../common/cut';
import { DomainError } from '../../errors/domain-error';
import { MetricsService } from '../../telemetry/metrics/metrics.service';
import { ModelsService } from '../../models/models.service';
import { ApiPage, pageOf } from '../http-call/model-page';
import { countedModels, modelStatistics, noStatistics } from './statistics';
import { V2Statistics } from './statistics.dto';
import { V2Errors } from './v2-errors';
import { V2_TAG } from './v2-call';

/**
 * The statistics extension: the whole server's figures. Its module lists this controller before the one of
 * `GET /v2/models/:model`, which would take the path of the statistics of all models for that of a model.
 */
@ApiTags(V2_TAG)
@Controller('v2/models')
export class V2StatisticsController {
  constructor(
    private readonly metrics: MetricsService,
    private readonly models: ModelsService,
  ) {}

  /** What all model versions did since the server started. */
  @Get('stats')
  @ApiPage()
  @ApiResponse({ status: 200, type: V2Statistics })
  @V2Errors(400)
  async all(@Req() req: IncomingMessage): Promise<V2Statistics> {
    const figures = await this.metrics.figures();
    const { models, next } = pageOf(countedModels(figures), req.url);
    return { model_stats: modelStatistics(figures, models), next_cursor: next };
  }

  /** What the versions of a model did since the server started, or one of them. */
  @Get([':model/stats', ':model/versions/:version/stats'])
  @ApiParam({ name: 'model', example: 'iris' })
  @ApiParam({ name: 'version', example: '1' })
  @ApiResponse({ status: 200, type: V2Statistics })
  @V2Errors(404)
  async ofModel(@Param('model') model: string, @Param('version') version?: string): Promise<V2Statistics> {
    const counted = modelStatistics(await this.metrics.figures(), [{ name: model }], version);
    if (counted.length > 0) return { model_stats: counted };
    const known = this.models.entry(model).version(version);
    if (known !== undefined) return { model_stats: [noStatistics(model, known.version)] };
    if (version === undefined) return { model_stats: [] };
    throw new DomainError('version_not_found', `Model "${cut(model)}" has no version "${cut(version)}".`);
  }
}
