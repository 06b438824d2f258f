import { Controller, Get, type OnModuleInit, Req, Res } from '@nestjs/common';
import { ApiProduces, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { MetricsService } from '../telemetry/metrics/metrics.service';
import { TEXT_FORMATS, textFormatFor } from '../telemetry/metrics/text-format';
import type { Exchange } from '../http/exchange';
import { Router } from '../http/router';

const HEADERS = ['cache-control', 'no-store', 'vary', 'accept'];

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
  @ApiProduces('text/plain', 'application/openmetrics-text')
  @ApiResponse({ status: 200, schema: { type: 'string' } })
  show(@Req() req: IncomingMessage, @Res() res: ServerResponse): void {
    const exchange = this.router.exchange(req, res);
    this.answer(exchange).catch((thrown: unknown) => this.router.report(exchange, exchange.fail(thrown)));
  }

  private async answer(exchange: Exchange): Promise<void> {
    const format = textFormatFor(exchange.req.headers.accept);
    const headers = ['content-type', TEXT_FORMATS[format].contentType, ...HEADERS];
    exchange.send(200, headers, [await this.metrics.text(format)]);
  }
}
