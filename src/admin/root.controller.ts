import { Controller, Get, Inject } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { type AppConfig, appConfig } from '../config/config.slices';

export class WelcomeResponse {
  message: string;
  version: string;
  /** Where the interactive documentation is. */
  docs: string;
}

export function welcome({ projectName, version }: AppConfig): WelcomeResponse {
  return { message: `Welcome to ${projectName}`, version, docs: '/docs' };
}

@ApiTags('server')
@Controller()
export class RootController {
  constructor(@Inject(appConfig.KEY) private readonly app: AppConfig) {}

  /** What this is, for programs; a browser gets a page, and this same answer is given before Express. */
  @Get()
  @ApiOperation({ summary: 'What this server is' })
  welcome(): WelcomeResponse {
    return welcome(this.app);
  }
}
