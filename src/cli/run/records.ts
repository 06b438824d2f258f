import { UsageError } from '../command';

/** Rows of a file that go to the model together. */
export interface Records {
  /** Whole records, each with its line end. */
  readonly bytes: Buffer;
  readonly count: number;
  /** Bytes of the file that lie behind these, as far as it was read. */
  readonly readBytes: number;
}

const LF = 0x0a;
const CR = 0x0d;
const QUOTE = 0x22;
/** A record as long as this is a quote that was never closed. */
const MAX_RECORD_BYTES = 16 * 1024 ** 2;
const MAX_BATCH_BYTES = 4 * 1024 ** 2;

/**
 * Cuts a file into batches of whole records, and leaves empty lines out.
 * @param quotes may a record go on in the next line, within quotes, as in CSV?
 * @param first records that come alone, as a header does
 */
export async function* recordsOf(
  chunks: AsyncIterable<Buffer>,
  { quotes, first, most }: { quotes: boolean; first: number; most: number },
): AsyncGenerator<Records> {
  let batch: Buffer[] = [];
  let batchBytes = 0;
  let wanted = first > 0 ? first : most;
  let readBytes = 0;
  const taken = (): Records => {
    const records = { bytes: Buffer.concat(batch), count: batch.length, readBytes };
    batch = [];
    batchBytes = 0;
    wanted = most;
    return records;
  };
  for await (const records of recordsOfEach(chunks, quotes)) {
    for (const record of records) {
      readBytes += record.length;
      if (isEmpty(record)) continue;
      batch.push(record);
      batchBytes += record.length;
      if (batch.length >= wanted || batchBytes >= MAX_BATCH_BYTES) yield taken();
    }
  }
  if (batch.length > 0) yield taken();
}

function isEmpty(record: Buffer): boolean {
  return record[0] === LF || (record[0] === CR && record[1] === LF);
}

/** The records that end in each chunk, with their line ends; the last one gets its own where it has none. */
async function* recordsOfEach(chunks: AsyncIterable<Buffer>, quotes: boolean): AsyncGenerator<Buffer[]> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of chunks) {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const isPlain = !quotes || !bytes.includes(QUOTE);
    const records: Buffer[] = [];
    let start = 0;
    for (let end = endOf(bytes, start, isPlain); end !== -1; end = endOf(bytes, start, isPlain)) {
      records.push(bytes.subarray(start, end));
      start = end;
    }
    yield records;
    rest = bytes.subarray(start);
    if (rest.length > MAX_RECORD_BYTES)
      throw new UsageError(`A record is longer than ${MAX_RECORD_BYTES} bytes: is a quote not closed?`);
  }
  if (rest.length > 0) yield [Buffer.concat([rest, Buffer.of(LF)])];
}

/** Where the record ends that starts here; -1 where that is not in these bytes. */
function endOf(bytes: Buffer, start: number, isPlain: boolean): number {
  let end = bytes.indexOf(LF, start);
  if (end === -1 || isPlain) return end === -1 ? -1 : end + 1;
  for (let from = start; ;) {
    const open = bytes.subarray(from, end).indexOf(QUOTE);
    if (open === -1) return end + 1;
    // A doubled quote ends one quoted stretch and begins another.
    const close = bytes.indexOf(QUOTE, from + open + 1);
    if (close === -1) return -1;
    if (close > end) end = bytes.indexOf(LF, close);
    if (end === -1) return -1;
    from = close + 1;
  }
}
