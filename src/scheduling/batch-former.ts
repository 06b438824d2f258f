import { compatible, rowBytes } from './batch';
import { RETRY_LANE, type QueuedRequest } from './queued-request';
import type { RequestQueue } from './request-queue';

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
