import type { RequestInputs, RunContext } from '../runners/runner';
import { padded, type RowPadding } from '../tensors/row-padding';
import type { Tensor } from '../tensors/tensor';
import { RETRY_LANE, type QueuedRequest, type RequestQueue } from './request-queue';
import { BatchTrace } from '../telemetry/tracing/run-trace';
import { OutgoingTrace } from '../telemetry/tracing/trace-record';

/** Candidates that are looked at for one batch: a queue of many shapes is not searched to its end each time. */
const SCAN_LIMIT = 512;

/**
 * Takes from the queue the most urgent request and, by urgency, those that can run with it: same datatypes, same
 * trailing dimensions or the same padding, as many as fit. One that does not fit stays, and leads a later batch.
 * @param maxRows rows that the batch may have; 0 when every request runs alone
 * @param maxBytes bytes of inputs that it may join
 * @param isGone has the request nobody who waits for it? Then it is taken out, and left out
 */
export function formBatch(
  queue: RequestQueue,
  maxRows: number,
  maxBytes: number,
  isGone: (entry: QueuedRequest) => boolean,
): QueuedRequest[] {
  const batch: QueuedRequest[] = [];
  let rows = 0;
  let fittingRows = 0;
  queue.beginScan();
  for (let scanned = 0; scanned < SCAN_LIMIT; scanned++) {
    const entry = queue.scan();
    if (entry === undefined) break;
    const leader = batch[0];
    if (leader !== undefined && (rows + entry.rows > fittingRows || !joins(entry, leader))) continue;
    queue.remove(entry);
    if (isGone(entry)) continue;
    if (leader === undefined && canLead(entry)) {
      fittingRows = Math.min(maxRows, Math.floor(maxBytes / rowBytes(entry.inputs, entry.rows)));
    }
    batch.push(entry);
    rows += entry.rows;
    if (rows >= fittingRows) break;
  }
  return batch;
}

function canLead(entry: QueuedRequest): boolean {
  return entry.joinable && entry.lane !== RETRY_LANE;
}

function joins(entry: QueuedRequest, leader: QueuedRequest): boolean {
  if (!canLead(entry)) return false;
  const wanted = leader.request.padding;
  const own = entry.request.padding;
  if (wanted === undefined || own === undefined)
    return wanted === own && compatible(leader.inputs, entry.inputs);
  return wanted.bucket === own.bucket;
}

/** Do all inputs lead with the same dimension, the rows? Only then can rows of other requests follow them. */
export function leadWithRows(inputs: RequestInputs, rows: number): boolean {
  if (rows < 1 || inputs.length === 0) return false;
  for (let i = 0; i < inputs.length; i++) {
    if (inputs[i]!.shape[0] !== rows) return false;
  }
  return true;
}

/** Have two requests of one model the same datatypes and the same dimensions after the leading one? */
export function compatible(one: RequestInputs, other: RequestInputs): boolean {
  if (one.length !== other.length) return false;
  for (let i = 0; i < one.length; i++) {
    const a = one[i]!;
    const b = other[i]!;
    if (a.datatype !== b.datatype || a.shape.length !== b.shape.length) return false;
    for (let d = 1; d < a.shape.length; d++) {
      if (a.shape[d] !== b.shape[d]) return false;
    }
  }
  return true;
}

/** Bytes that a row of these inputs takes. */
export function rowBytes(inputs: RequestInputs, rows: number): number {
  let bytes = 0;
  for (let i = 0; i < inputs.length; i++) {
    const { data } = inputs[i]!;
    if (!Array.isArray(data)) bytes += data.byteLength;
    else for (const text of data) bytes += text.length;
  }
  return bytes / rows;
}

/** Why these are not the outputs of a batch of `rows`; undefined when they are. */
export function rowsFault(outputs: readonly Tensor[], rows: number): string | undefined {
  for (let i = 0; i < outputs.length; i++) {
    const { name, shape, data } = outputs[i]!;
    if (shape.length === 0) return `output "${name}" is a scalar for a batch of ${rows} rows`;
    if (shape[0] !== rows) return `output "${name}" has ${shape[0]} rows for a batch of ${rows}`;
    if (data.length % rows !== 0) return `output "${name}" does not divide into ${rows} rows`;
  }
  return undefined;
}

/** The `rows` from `offset` on of a batch of `batchRows`; numbers are views, not copies. */
export function sliceRows(
  outputs: readonly Tensor[],
  offset: number,
  rows: number,
  batchRows: number,
): Tensor[] {
  const own = new Array<Tensor>(outputs.length);
  for (let i = 0; i < outputs.length; i++) {
    const { name, datatype, shape, data } = outputs[i]!;
    const size = data.length / batchRows;
    const begin = offset * size;
    const end = begin + rows * size;
    const ownShape = shape.slice();
    ownShape[0] = rows;
    own[i] = {
      name,
      datatype,
      shape: ownShape,
      data: Array.isArray(data) ? data.slice(begin, end) : data.subarray(begin, end),
    };
  }
  return own;
}

/** A request on its way into a batch. */
interface PaddedEntry {
  inputs: RequestInputs;
  readonly request: { readonly padding?: RowPadding };
}

/** Lengthens the rows of requests that run together to those of the longest. */
export function padToLongest(entries: readonly PaddedEntry[]): void {
  const longest = Math.max(...entries.map(({ inputs }) => lengthOf(inputs)));
  for (const entry of entries) {
    const { inputs } = entry;
    const { padding } = entry.request;
    if (padding === undefined || lengthOf(inputs) === longest) continue;
    entry.inputs = inputs.map((tensor) => padded(tensor, longest, padding));
  }
}

function lengthOf(inputs: RequestInputs): number {
  return inputs[0]?.shape[1] ?? 0;
}

/** One run under way. */
export class BatchRun {
  private abort: AbortController | undefined;
  /** Undefined where none of its requests is traced. */
  readonly trace: BatchTrace | undefined;

  /**
   * @param model the key of the model that runs
   * @param expectedMs what it is likely to take; 0 when nothing is known
   */
  constructor(
    readonly model: string,
    readonly requests: readonly QueuedRequest[],
    readonly rows: number,
    readonly startMs: number,
    readonly expectedMs: number,
  ) {
    this.trace = BatchTrace.of(requests, rows, startMs);
  }

  /** For a run that happens elsewhere, and can be told when nobody waits for it any more. */
  context(): RunContext {
    this.abort = new AbortController();
    let deadlineMs = 0;
    const requestIds: string[] = [];
    for (const entry of this.requests) {
      entry.run = this;
      deadlineMs = Math.max(deadlineMs, entry.deadlineMs);
      if (entry.request.requestId !== undefined) requestIds.push(entry.request.requestId);
    }
    return { signal: this.abort.signal, deadlineMs, requestIds, trace: OutgoingTrace.of(this.requests) };
  }

  /** Nobody waits any more for one of its requests. */
  gaveUp(): void {
    if (this.requests.every(({ state }) => state === 'settled')) this.abort?.abort();
  }

  /** What is likely left of it. One that overran may take as long again as it has overrun. */
  remainingMs(nowMs: number): number {
    return Math.abs(this.startMs + this.expectedMs - nowMs);
  }
}
