import { Controller, Get, Inject, Res } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import { type AppConfig, appConfig } from '../../config/config.slices';
import { ServerReadiness } from '../../health/server-readiness';
import { ModelsHealthIndicator } from '../../models/models.health';
import { V2_TAG } from './v2-call';
import { V2ServerLive, V2ServerMetadata, V2ServerReady } from './v2.dto';

/** What of the protocol beyond its core is implemented. */
const EXTENSIONS = [
  'binary_tensor_data',
  'classification',
  'model_configuration',
  'model_repository',
  'schedule_policy',
  'statistics',
] as const;

/** The protocol's calls about the server as a whole. */
@ApiTags(V2_TAG)
@Controller('v2')
export class V2ServerController {
  constructor(
    @Inject(appConfig.KEY) private readonly app: AppConfig,
    private readonly models: ModelsHealthIndicator,
    private readonly condition: ServerReadiness,
  ) {}

  /** What server this is and what it can do. */
  @Get()
  @ApiResponse({ status: 200, type: V2ServerMetadata })
  metadata(): V2ServerMetadata {
    const { projectName: name, version } = this.app;
    return { name, version, extensions: [...EXTENSIONS] };
  }

  /** For a liveness probe: the event loop turns. */
  @Get('health/live')
  @ApiResponse({ status: 200, type: V2ServerLive })
  live(): V2ServerLive {
    return { live: true };
  }

  /** For a readiness probe, like that of the native API: its models are ready, and the server is not on its way out. */
  @Get('health/ready')
  @ApiResponse({ status: 200, type: V2ServerReady })
  @ApiResponse({ status: 503, type: V2ServerReady, description: 'Not ready.' })
  ready(@Res({ passthrough: true }) res: Response): V2ServerReady {
    const { fault } = this.condition;
    if (fault === undefined && this.models.condition().ready) return { ready: true };
    res.status(503);
    return {
      ready: false,
      error: fault
        ? `The server is not ready: ${fault}.`
        : 'Its models are not ready; the health call of the native API says which.',
    };
  }
}
