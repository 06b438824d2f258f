import { Inject, Injectable } from '@nestjs/common';
import { EventLogger } from '../../../telemetry/logging/event-logger';
import { type ModelsConfig, modelsConfig } from '../../../config/config.slices';
import { reasonOf } from '../../../errors/domain-error';
import { Ipc } from '../../../process/ipc/ipc.service';
import type { Weights } from '../../runner-kind';
import type { SessionOptions } from '../session-options';
import { DOUBT, type Doubt, PREPARE, RELEASE, type Unprepared, type Wish } from './messages';
import type { Prepared } from './prepared';

/** Weights of 4 or 8 bits that the runtime saves wrong: what it loads again answers NaN. */
const SAVED_WRONG = 'com.microsoft.MatMulNBits';
/** Of the time for a load, what may go by in waiting for its prepared form. */
const PATIENCE = 0.5;
/** A word to the primary that needs no work. */
const TELL_MS = 10_000;

/** What is asked for, before anybody knows whether there is one. */
export interface Candidate extends Wish {
  readonly operators: ReadonlySet<string>;
}

/** This worker's way to the prepared models, which the primary has. */
@Injectable()
export class PreparedModels {
  private readonly logger = new EventLogger(PreparedModels.name);

  constructor(
    @Inject(modelsConfig.KEY) private readonly models: ModelsConfig,
    private readonly ipc: Ipc,
  ) {}

  /** What there is to load a version from: its prepared form, which may be made first, or its own files. Never throws. */
  async find(candidate: Candidate, instances: number): Promise<WeightsInUse> {
    return new WeightsInUse(await this.ask(candidate), candidate, instances, this);
  }

  private async ask({ operators, ...wish }: Candidate): Promise<Prepared | Unprepared> {
    const reason = this.reasonAgainst(wish, operators);
    if (reason !== undefined) return { reason };
    try {
      return await this.ipc.askPrimary(PREPARE, wish, this.models.loadTimeoutMs * PATIENCE);
    } catch (error) {
      return { reason: `no prepared form in time: ${reasonOf(error)}` };
    }
  }

  /** It was not what it should be. */
  doubt({ key }: Prepared, label: string, fault: unknown): void {
    const doubt: Doubt = { key, label, reason: reasonOf(fault) };
    this.logger.warn({ msg: 'prepared model is not used', model: label, reason: doubt.reason });
    this.tell(DOUBT, doubt);
  }

  /** Nobody here uses it any more. */
  release({ key }: Prepared): void {
    this.tell(RELEASE, key);
  }

  private reasonAgainst({ session, sizeBytes }: Wish, operators: ReadonlySet<string>): string | undefined {
    const { preparedDir, preparedMinBytes } = this.models;
    if (!this.ipc.hasPrimary) return 'there is one process (WORKERS is 0)';
    if (preparedDir === undefined) return 'PREPARED_DIR is empty';
    if (sizeBytes < preparedMinBytes) return 'it is smaller than PREPARED_MIN_BYTES';
    if (!isOnCpu(session)) return 'it runs on something else than CPUs';
    if (session.cutCollections === true) return 'its last step is cut off';
    return operators.has(SAVED_WRONG) ? `it has ${SAVED_WRONG}` : undefined;
  }

  private tell(topic: string, payload: unknown): void {
    // Whether it is heard or not, the model serves.
    this.ipc.askPrimary(topic, payload, TELL_MS).catch(() => undefined);
  }
}

/** What the sessions of one version are loaded from. */
export class WeightsInUse {
  readonly weights: Weights;

  constructor(
    private readonly found: Prepared | Unprepared,
    private readonly candidate: Pick<Candidate, 'label' | 'sizeBytes'>,
    private readonly instances: number,
    private readonly models: Pick<PreparedModels, 'doubt' | 'release'>,
  ) {
    const { sizeBytes } = candidate;
    this.weights =
      'key' in found
        ? { prepared: true, ownBytes: instances * found.ownBytes, sharedBytes: found.sharedBytes }
        : { prepared: false, reason: found.reason, ownBytes: instances * sizeBytes, sharedBytes: 0 };
  }

  /** The prepared form, as long as nobody has found it to be wrong. */
  get prepared(): Prepared | undefined {
    return this.weights.prepared && 'key' in this.found ? this.found : undefined;
  }

  /** It was not what it should be: from here on sessions are loaded from the model's own files. */
  wrong(fault: unknown): void {
    if (this.prepared !== undefined) this.models.doubt(this.prepared, this.candidate.label, fault);
    const ownBytes = this.instances * this.candidate.sizeBytes;
    Object.assign(this.weights, { prepared: false, reason: reasonOf(fault), ownBytes, sharedBytes: 0 });
  }

  /** The sessions are closed, or were never opened. */
  release(): void {
    if ('key' in this.found) this.models.release(this.found);
  }
}

function isOnCpu({ executionProviders }: SessionOptions): boolean {
  return executionProviders.length === 1 && executionProviders[0] === 'cpu';
}
