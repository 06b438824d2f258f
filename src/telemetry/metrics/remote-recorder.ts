import { gather } from './cells';
import { durationBucket, DURATION_BUCKETS, REMOTE_AT, REMOTE_FIGURES } from './layout';
import { REMOTE_OUTCOMES, type RemoteOutcome } from './outcome';
import type { RemoteFigures } from './remote-figures';

const CALLS_AT = Object.fromEntries(
  REMOTE_OUTCOMES.map((outcome, i) => [outcome, REMOTE_AT.calls + i]),
) as Record<RemoteOutcome, number>;

/** Counts the calls to one remote of one model in this process. */
export class RemoteRecorder {
  /** Set by whatever is recorded; the recorder clears it. */
  touched = true;
  /** Calls under way. */
  outstanding = 0;
  private readonly figures = new Float64Array(REMOTE_FIGURES);
  /** Times that it is out of use: more than one only while the model is replaced. */
  private ejected = 0;

  constructor(
    readonly model: string,
    readonly remote: string,
  ) {}

  /** An attempt of a call ended. */
  called(outcome: RemoteOutcome, ms: number): void {
    const { figures } = this;
    figures[CALLS_AT[outcome]]!++;
    figures[REMOTE_AT.duration + durationBucket(ms)]!++;
    figures[REMOTE_AT.duration + DURATION_BUCKETS]! += ms;
    this.touched = true;
  }

  /** An attempt begins that is not its call's first. */
  retried(): void {
    this.figures[REMOTE_AT.retries]!++;
  }

  sent(bytes: number): void {
    this.figures[REMOTE_AT.bytesSent]! += bytes;
  }

  received(bytes: number): void {
    this.figures[REMOTE_AT.bytesReceived]! += bytes;
  }

  /** It is out of use from here on, until `returned`. */
  wasEjected(): void {
    this.figures[REMOTE_AT.ejections]!++;
    this.ejected++;
    this.touched = true;
  }

  returned(): void {
    this.ejected--;
    this.touched = true;
  }

  snapshot(): RemoteFigures {
    const { model, remote, outstanding, ejected } = this;
    return { model, remote, cells: gather(this.figures), outstanding, ejected };
  }
}
