import { type BeforeApplicationShutdown, Inject, Injectable } from '@nestjs/common';
import { setTimeout as sleep } from 'node:timers/promises';
import { type HttpConfig, httpConfig } from '../config/config.slices';
import { Link } from '../link/link.service';
import { FrontDoor } from './front-door';
import { ServerCondition } from './server-condition';

/**
 * The first step of a stop: readiness turns off, and load balancers get time to see it while requests are
 * still taken. Nest closes the HTTP server after this, and only then are sessions unloaded. A process that
 * others follow leaves the port at once instead: the server stays ready.
 */
@Injectable()
export class DrainingService implements BeforeApplicationShutdown {
  constructor(
    @Inject(httpConfig.KEY) private readonly http: HttpConfig,
    private readonly frontDoor: FrontDoor,
    private readonly condition: ServerCondition,
    private readonly link: Link,
  ) {}

  async beforeApplicationShutdown(): Promise<void> {
    this.frontDoor.drain();
    if (this.link.followed) return;
    this.condition.stop();
    await sleep(this.http.shutdownDelayMs);
  }
}
