import { Controller, Get, type OnModuleInit, Inject, Req, Res } from '@nestjs/common';
import { ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type AppConfig, appConfig } from '../config/config.slices';
import type { Exchange } from '../http/exchange';
import { Router } from '../http/router';
import type { RouteScope } from '../http/route-table';
import { ApiPage } from '../protocols/http-call/model-page';
import { ErrorResponse } from '../protocols/native/native.dto';
import { StatusResponse } from './status.dto';
import { StatusService } from './status.service';

const HEADERS = ['cache-control', 'no-store'];
/** What the page offers, and what a caller has to be allowed for it. */
const OFFERS: readonly (readonly [what: string, scope: RouteScope])[] = [
  ['infer', 'infer'],
  ['load', 'models:write'],
  ['unload', 'models:write'],
];

@ApiTags('server')
@Controller('status')
export class StatusController implements OnModuleInit {
  constructor(
    @Inject(appConfig.KEY) private readonly app: AppConfig,
    private readonly router: Router,
    private readonly service: StatusService,
  ) {}

  onModuleInit(): void {
    this.router.addRoutes([
      {
        method: 'GET',
        pattern: `${this.app.apiPrefix}/status`,
        scope: 'models:read',
        answer: (exchange) => this.answer(exchange),
      },
    ]);
  }

  /** How the server and its models are, and what they did within the last minute: what the page at `/` shows. */
  @Get()
  @ApiOperation({ summary: 'The server and its models at one moment' })
  @ApiPage()
  @ApiResponse({ status: 200, type: StatusResponse })
  @ApiResponse({ status: 400, type: ErrorResponse, description: 'A limit or cursor that there is not.' })
  status(@Req() req: IncomingMessage, @Res() res: ServerResponse): void {
    const exchange = this.router.exchange(req, res);
    this.answer(exchange).catch((thrown: unknown) => this.router.fail(exchange, thrown));
  }

  private async answer(exchange: Exchange): Promise<void> {
    const { caller } = exchange;
    const may = OFFERS.filter(([, scope]) => this.router.allows(exchange, scope)).map(([what]) => what);
    const maySee = (model: string): boolean => caller?.maySee(model) ?? true;
    const isKnown = caller?.name !== undefined;
    const seesMetrics = this.router.allows(exchange, 'metrics:read');
    const viewer = { isKnown, may, seesMetrics, maySee };
    exchange.sendJson(200, await this.service.status(viewer, exchange.req.url), HEADERS);
  }
}
