import { LocalCall } from '../../inference/local-call';
import { type DeclaredAnswer, hasRows, writeDeclaredLines } from '../../processing/declared-answer';
import { JsonWriter } from '../../tensors/json/json-writer';
import type { Inputs } from './target';

const DAY_MS = 86_400_000;

/** Rows whose declared answers are printed once, as the lines that they become. */
export class LinesCall extends LocalCall {
  /** Once it is answered; undefined where the answer is no list of declared values of so many rows. */
  lines: Buffer | undefined;

  constructor(
    model: string,
    inputs: Inputs,
    private readonly rows: number,
  ) {
    super(model, inputs, {}, DAY_MS);
  }

  protected override declared(answer: DeclaredAnswer): Record<string, unknown> {
    if (!answer.isList || !hasRows(answer, this.rows)) return super.declared(answer);
    const writer = new JsonWriter();
    writeDeclaredLines(writer, answer, this.rows);
    this.lines = writer.finish();
    return {};
  }
}
