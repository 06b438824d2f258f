import type { Tensor } from '../tensors/tensor';
import { sliceRows, type BatchRun } from './batch';
import type { RequestInputs } from '../runners/runner';
import { rowDifference } from './row-difference';

/** So many batches are looked at one after the other, at first and after a doubtful one. */
const FIRST_BATCHES = 8;
/** Then one of so many. */
const INTERVAL = 1000;
/** A busy model's audit waits no longer than that for a slot that nobody else wants. */
const PATIENCE_MS = 1000;

/** A request that ran in a batch, to be run again alone. */
export interface AuditedRequest {
  readonly inputs: RequestInputs;
  readonly rows: number;
  /** What the batch gave it. */
  readonly outputs: readonly Tensor[];
  readonly sinceMs: number;
  /** Its inputs will not be read again. */
  release(): void;
}

/**
 * Looks whether a model's batches give each request what it gets alone: a request of the first batches, and of one in a
 * thousand later, is kept to be run again by itself. No check at load can try every value that requests may bring.
 */
export class BatchAudit {
  private kept: AuditedRequest | undefined;
  private underWay: AuditedRequest | undefined;
  private left = FIRST_BATCHES;
  private batches = 0;
  private looked = 0;
  private doubted = false;

  /** Is there a request to be run again? */
  get waiting(): boolean {
    return this.kept !== undefined;
  }

  /** Has one waited for too long? */
  overdue(nowMs: number): boolean {
    return this.kept !== undefined && nowMs - this.kept.sinceMs > PATIENCE_MS;
  }

  /** Keeps a request of a batch that has run and is not yet answered, if it is this batch's turn. */
  consider(run: BatchRun, outputs: readonly Tensor[], nowMs: number): void {
    if (this.kept !== undefined || this.underWay !== undefined) return;
    if (this.left === 0 && ++this.batches < INTERVAL) return;
    const place = this.placeIn(run);
    const entry = run.requests[place]!;
    // Nobody waits for it any more: its inputs may be others' by now.
    if (entry.state !== 'running') return;
    this.batches = 0;
    if (this.left > 0) this.left--;
    this.looked++;
    const offset = run.requests.slice(0, place).reduce((sum, { rows }) => sum + rows, 0);
    this.kept = {
      inputs: entry.inputs,
      rows: entry.rows,
      outputs: sliceRows(outputs, offset, entry.rows, run.rows),
      sinceMs: nowMs,
      release: entry.keepInputs(),
    };
  }

  /** The request, which is run from here on. */
  begin(): AuditedRequest {
    const request = this.kept!;
    this.kept = undefined;
    this.underWay = request;
    return request;
  }

  /**
   * What the request gives alone is compared with what its batch gave it.
   * @param alone undefined where it could not be run
   * @returns why the model's batches are wrong; undefined when they are right, or may be
   */
  end(alone: readonly Tensor[] | undefined): string | undefined {
    const request = this.underWay;
    this.underWay = undefined;
    if (alone === undefined || request === undefined) return undefined;
    const difference = rowDifference(alone, request.outputs);
    if (difference === undefined) return undefined;
    if (!difference.mayBeTie || this.doubted) return difference.reason;
    // Two classes of the same probability: another one so soon is no accident.
    this.doubted = true;
    this.left = FIRST_BATCHES;
    return undefined;
  }

  /** Nothing is to be run again. */
  drop(): void {
    this.kept?.release();
    this.kept = undefined;
  }

  /** In turns from the end and from the start: what goes on from row to row shows in the last, or in the first. */
  private placeIn({ requests }: BatchRun): number {
    const step = (this.looked >> 1) % requests.length;
    return this.looked % 2 === 0 ? requests.length - 1 - step : step;
  }
}
