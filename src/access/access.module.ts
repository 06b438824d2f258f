import { Inject, Module, type OnModuleInit } from '@nestjs/common';
import { type AppConfig, appConfig } from '../config/config.slices';
import { Router } from '../http/router';
import { AccessGate } from './access.gate';
import { AccessService } from './access.service';
import { LocalKeeper } from './local-keeper';
import { TokenController } from './token.controller';

@Module({
  controllers: [TokenController],
  providers: [AccessService, AccessGate, LocalKeeper],
  exports: [AccessService],
})
export class AccessModule implements OnModuleInit {
  constructor(
    @Inject(appConfig.KEY) private readonly app: AppConfig,
    private readonly router: Router,
    private readonly gate: AccessGate,
  ) {}

  onModuleInit(): void {
    this.router.guard(this.gate);
    this.router.addRoutes([{ method: 'POST', pattern: `${this.app.apiPrefix}/auth/token`, scope: 'known' }]);
  }
}
