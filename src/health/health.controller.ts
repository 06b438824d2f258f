import { Controller, Get, Inject } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import {
  HealthCheck,
  type HealthCheckResult,
  HealthCheckService,
  HealthIndicatorService,
} from '@nestjs/terminus';
import { CacheHealthIndicator } from '../cache/cache.health';
import { type AppConfig, appConfig } from '../config/config.slices';
import { ServerReadiness } from './server-readiness';
import { ModelsHealthIndicator } from '../models/models.health';
import { CPU_PLAN } from '../process/cpu/cpu.module';
import type { CpuPlan } from '../process/cpu/cpu-plan';

export class HealthResponse {
  /** `degraded` when no model is loaded, or a configured Redis is unreachable or does not take writes. */
  status: 'healthy' | 'degraded';
  models_loaded: boolean;
  /** Does a configured Redis answer? */
  cache_connected: boolean;
  version: string;
  uptime_seconds: number;
  /** How the CPU quota is shared out. */
  threads: { quota: number; workers: number; slots: number; intraOpThreads: number };
}

export class LiveResponse {
  status: string;
}

export const LIVE: LiveResponse = { status: 'ok' };

@ApiTags('health')
@Controller('health')
export class HealthController {
  constructor(
    private readonly checks: HealthCheckService,
    private readonly indicators: HealthIndicatorService,
    private readonly models: ModelsHealthIndicator,
    private readonly cache: CacheHealthIndicator,
    private readonly condition: ServerReadiness,
    @Inject(appConfig.KEY) private readonly app: AppConfig,
    @Inject(CPU_PLAN) private readonly plan: CpuPlan,
  ) {}

  /** The state of the whole, for people: always 200 while the process can answer. */
  @Get()
  health(): HealthResponse {
    const modelsLoaded = this.models.anyLoaded;
    return {
      status: modelsLoaded && !this.cache.degraded ? 'healthy' : 'degraded',
      models_loaded: modelsLoaded,
      cache_connected: this.cache.connected,
      version: this.app.version,
      uptime_seconds: Math.round(process.uptime()),
      threads: this.plan,
    };
  }

  /** For a liveness probe: the event loop turns. Knows nothing of models or the cache. */
  @Get('live')
  live(): LiveResponse {
    return LIVE;
  }

  /**
   * For a readiness probe: every required model is loaded and warm, the server is not on its way out, and its
   * workers do not keep dying.
   */
  @Get('ready')
  @HealthCheck()
  @ApiResponse({ status: 503, description: 'Not ready: the same body, with what is down.' })
  ready(): Promise<HealthCheckResult> {
    return this.checks.check([
      () => this.models.check('models'),
      () => this.cache.check('cache'),
      () => {
        const server = this.indicators.check('server');
        const { fault } = this.condition;
        return fault === undefined ? server.up() : server.down(fault);
      },
    ]);
  }
}
