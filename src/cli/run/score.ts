import { DomainError, ERRORS } from '../../errors/domain-error';
import { UsageError } from '../command';
import { answerLine, rowLines } from './answer-lines';
import type { Progress } from './progress';
import type { Results } from './results';
import type { Batch } from './rows';
import type { Target } from './target';

export interface Scored {
  /** Rows of this run, all of which are written. */
  readonly rows: number;
  /** Why it ended before the file did: it was told to, or nobody reads any more. */
  readonly ended?: 'told' | 'unread';
}

interface UnderWay {
  readonly lines: Promise<Buffer>;
  readonly batch: Batch;
}

/**
 * Runs batch after batch, some at the same time, and writes their answers in the order of the file. When it ends early,
 * what was begun is finished and written, so that every line there is whole.
 * @param skipped rows that an earlier run has answered
 * @throws UsageError for a row that the model cannot take, naming it; what the model and the results throw
 */
export async function score(
  batches: AsyncIterable<Batch>,
  target: Target,
  results: Results,
  { skipped, stop, progress }: { skipped: number; stop: AbortSignal; progress: Progress },
): Promise<Scored> {
  const underWay: UnderWay[] = [];
  let before = 0;
  let rows = 0;
  const finishOne = async (): Promise<void> => {
    const { lines, batch } = underWay.shift()!;
    await results.write(await lines);
    rows += batch.rows;
    progress.tell(rows, batch.readBytes);
  };
  try {
    for await (const batch of batches) {
      // What came last may be cut off in its middle.
      if (stop.aborted) break;
      const first = before;
      before += batch.rows;
      if (before <= skipped) continue;
      const lines = linesOf(batch, target, first).then((all) => withoutFirst(all, skipped - first));
      // It is looked at when it is this one's turn; until then nobody else need know.
      lines.catch(() => undefined);
      underWay.push({ lines, batch: { ...batch, rows: Math.min(batch.rows, before - skipped) } });
      if (underWay.length >= target.callsAtOnce) await finishOne();
    }
    while (underWay.length > 0) await finishOne();
  } catch (error) {
    await Promise.allSettled(underWay.map(({ lines }) => lines));
    if ((error as NodeJS.ErrnoException).code === 'EPIPE') return { rows, ended: 'unread' };
    throw error;
  }
  if (before < skipped && !stop.aborted)
    throw new UsageError(
      `There are answers for ${skipped} rows, and the file has ${before}: are they another file's?`,
    );
  return stop.aborted ? { rows, ended: 'told' } : { rows };
}

/** @param first rows of the file before this batch */
async function linesOf(batch: Batch, target: Target, first: number): Promise<Buffer> {
  try {
    if (batch.isList && target.lines !== undefined) return await target.lines(batch.inputs(), batch.rows);
    const outputs = await target.infer(batch.inputs());
    return batch.isList ? rowLines(outputs, batch.rows) : answerLine(outputs);
  } catch (error) {
    if (!(error instanceof DomainError) || ERRORS[error.code].outcome !== 'client_error') throw error;
    throw new UsageError(placed(error.message, first, batch.rows), { cause: error });
  }
}

/** A message about a row of a batch, about the same row of the file; others are about the whole batch. */
function placed(message: string, first: number, rows: number): string {
  const row = /, row (\d+)/;
  if (row.test(message)) return message.replace(row, (_, of: string) => `, row ${first + Number(of)}`);
  return rows === 1 ? `Row ${first + 1}: ${message}` : `Rows ${first + 1} to ${first + rows}: ${message}`;
}

/** The lines without those that are there already, where an earlier run ended within a batch. */
function withoutFirst(lines: Buffer, count: number): Buffer {
  let start = 0;
  for (let i = 0; i < count; i++) start = lines.indexOf('\n', start) + 1;
  return lines.subarray(start);
}
