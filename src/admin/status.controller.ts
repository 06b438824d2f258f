import { Controller, Get, Header } from '@nestjs/common';
import { ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import { StatusResponse } from './status.dto';
import { StatusService } from './status.service';

@ApiTags('server')
@Controller('status')
export class StatusController {
  constructor(private readonly service: StatusService) {}

  /** How the server and its models are, and what they did within the last minute: what the page at `/` shows. */
  @Get()
  @Header('cache-control', 'no-store')
  @ApiOperation({ summary: 'The server and its models at one moment' })
  @ApiResponse({ status: 200, type: StatusResponse })
  status(): Promise<StatusResponse> {
    return this.service.status(['infer', 'load', 'unload']);
  }
}
