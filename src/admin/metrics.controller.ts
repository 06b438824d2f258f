import { Controller, Get, type OnModuleInit, Req, Res } from '@nestjs/common';
import { ApiProduces, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { MetricsService } from '../telemetry/metrics/metrics.service';
import type { Exchange } from '../http/exchange';
import { Router } from '../http/router';

const HEADERS = ['content-type', 'text/plain; version=0.0.4; charset=utf-8', 'cache-control', 'no-store'];

@ApiTags('server')
@Controller('metrics')
export class MetricsController implements OnModuleInit {
  constructor(
    private readonly router: Router,
    private readonly metrics: MetricsService,
  ) {}

  onModuleInit(): void {
    this.router.addRoutes([
      {
        method: 'GET',
        pattern: '/metrics',
        scope: 'metrics:read',
        answer: (exchange) => this.answer(exchange),
      },
    ]);
  }

  /** The whole server's figures for Prometheus, the same whichever worker answers. */
  @Get()
  @ApiProduces('text/plain')
  @ApiResponse({ status: 200, schema: { type: 'string' } })
  show(@Req() req: IncomingMessage, @Res() res: ServerResponse): void {
    const exchange = this.router.exchange(req, res);
    this.answer(exchange).catch((thrown: unknown) => this.router.report(exchange, exchange.fail(thrown)));
  }

  private async answer(exchange: Exchange): Promise<void> {
    exchange.send(200, HEADERS, [Buffer.from(await this.metrics.text())]);
  }
}
