import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { EventLogger } from '../telemetry/logging/event-logger';
import { type AccessConfig, accessConfig } from '../config/config.slices';
import { Ipc } from '../process/ipc/ipc.service';
import { CallerDirectory } from './caller-directory';
import { type Limits, isLimited } from './limits';
import { LocalKeeper } from './local-keeper';
import { type KnownCallers, TOPIC } from './messages';
import { hasKeys } from './authorization';
import { type CallerState, CallerStates } from './rates/caller-state';
import type { Lease } from './rates/lease-book';

/** For the primary's answers, which take it no work but for a fetch of keys. */
const ANSWER_MS = 5000;
const FETCH_MS = 15_000;

/** This worker's part of knowing callers: what the keeper tells, and what is left of their limits here. */
@Injectable()
export class AccessService implements OnModuleInit {
  readonly directory: CallerDirectory;
  private readonly logger = new EventLogger(AccessService.name);
  private readonly states: CallerStates;

  constructor(
    @Inject(accessConfig.KEY) private readonly config: AccessConfig,
    private readonly ipc: Ipc,
    private readonly local: LocalKeeper,
  ) {
    this.directory = new CallerDirectory(config, () => ipc.askPrimary<void>(TOPIC.newKeys, null, FETCH_MS));
    this.states = new CallerStates(config.maxCallers, (question) =>
      ipc.askPrimary<Lease>(TOPIC.lease, question, ANSWER_MS),
    );
  }

  /** Is there anything that a caller could prove who it is by? */
  get knowsAnybody(): boolean {
    return hasKeys(this.config) || this.directory.takesTokens;
  }

  async onModuleInit(): Promise<void> {
    if (this.config.secretKey !== undefined && !this.directory.makesTokens)
      this.logger.warn({
        msg: 'SECRET_KEY is a placeholder or too short for ALGORITHM: tokens are neither made nor taken by it',
      });
    await this.local.start();
    this.ipc.handle<KnownCallers, void>(TOPIC.changed, (known) => this.directory.take(known));
    this.directory.take(await this.ipc.askPrimary<KnownCallers>(TOPIC.callers, null, ANSWER_MS));
  }

  /** What a caller has in hand and may still spend; undefined: it has no limits. */
  stateOf(name: string, limits: Limits): CallerState | undefined {
    return isLimited(limits) ? this.states.of(name, limits) : undefined;
  }
}
