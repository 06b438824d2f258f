/** What happened to one model's requests so far, for a recorder to read. */
export class ModelCounters {
  completed = 0;
  failed = 0;
  /** Left the queue because their client left. */
  cancelled = 0;
  /** Their client left during the run: it was for nothing. */
  abandoned = 0;
  /** Refused at the door: the queue was full, or the deadline out of reach. */
  rejected = 0;
  /** The deadline passed: at the door, in the queue or during the run. */
  expired = 0;
  /** Batches that failed and were run again request by request. */
  retriedBatches = 0;
  runs = 0;
  /** Rows of all runs. */
  rows = 0;
}
