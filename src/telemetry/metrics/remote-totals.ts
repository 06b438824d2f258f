import { addTo } from './cells';
import { type Durations, durationsAt } from './durations';
import { REMOTE_AT, REMOTE_FIGURES } from './layout';
import { REMOTE_OUTCOMES, type RemoteOutcome } from './outcome';
import type { RemoteFigures } from './remote-figures';

/** The figures of one remote under their names. */
export class RemoteTotals {
  private readonly figures = new Float64Array(REMOTE_FIGURES);

  constructor(readonly of: RemoteFigures) {
    addTo(this.figures, of.cells);
  }

  get durations(): Durations {
    return durationsAt(this.figures, REMOTE_AT.duration);
  }

  get retries(): number {
    return this.figures[REMOTE_AT.retries]!;
  }

  get ejections(): number {
    return this.figures[REMOTE_AT.ejections]!;
  }

  get bytesSent(): number {
    return this.figures[REMOTE_AT.bytesSent]!;
  }

  get bytesReceived(): number {
    return this.figures[REMOTE_AT.bytesReceived]!;
  }

  calls(outcome: RemoteOutcome): number {
    return this.figures[REMOTE_AT.calls + REMOTE_OUTCOMES.indexOf(outcome)]!;
  }
}
