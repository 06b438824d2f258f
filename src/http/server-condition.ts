import { Injectable } from '@nestjs/common';
import { Link } from '../link/link.service';
import { type Condition, CONDITION } from '../link/messages';

/** Whether the server as a whole wants requests, whatever its models say: for readiness. */
@Injectable()
export class ServerCondition {
  private stopping = false;
  private crashLooping = 0;

  constructor(link: Link) {
    link.handle<Condition, void>(CONDITION, ({ crashLooping }) => {
      this.crashLooping = crashLooping;
    });
  }

  stop(): void {
    this.stopping = true;
  }

  /** Why it does not want any; undefined when it does. */
  get fault(): string | undefined {
    if (this.stopping) return 'shutting down';
    if (this.crashLooping > 0) return `workers keep dying in ${this.crashLooping} places`;
    return undefined;
  }
}
