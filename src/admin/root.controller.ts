import { Controller, Get, Inject } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { type AppConfig, appConfig } from '../config/config.slices';

export class WelcomeResponse {
  message: string;
  version: string;
  /** Where the interactive documentation is. */
  docs: string;
}

@ApiTags('server')
@Controller()
export class RootController {
  constructor(@Inject(appConfig.KEY) private readonly app: AppConfig) {}

  @Get()
  welcome(): WelcomeResponse {
    return { message: `Welcome to ${this.app.projectName}`, version: this.app.version, docs: '/docs' };
  }
}
