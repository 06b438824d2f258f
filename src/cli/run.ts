import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { readFile, truncate } from 'node:fs/promises';
import { once } from 'node:events';
import { extname, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import type { Writable } from 'node:stream';
import type { Nestor } from '../nestor';
import type { TensorDescription } from '../protocols/native/model-description';
import { type Command, type Output, UsageError } from './command';
import { type Columns, csvColumns, rowOf } from './row-lines';

const ROWS_A_RUN = 1024;
/** Batches under way: one runs while the next is read. */
const AT_ONCE = 2;

export const run: Command = {
  summary: 'run a model on an input, or on a file of rows, without a server',
  help: `Usage: nestor run <file.onnx or folder> [--model <name>] <input> [--out <file>]

The input is a JSON object as the native API takes it, a .json file of one, or - for one from standard input: its answer
is printed. Or it is a file of rows, .csv (a header, or numbers alone, for a model with one input of columns) or .ndjson
(an object a line, its values without the dimension of rows): each row's answer becomes a line of JSON, in the same
order. With --out a run that was interrupted goes on behind the last whole line that is there.

Examples:
  nestor run model.onnx '{"features": [[5.1, 3.5, 1.4, 0.2]]}'
  nestor run models --model iris request.json
  nestor run models --model iris rows.csv --out answers.ndjson`,

  async run(args, output) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { model: { type: 'string' }, out: { type: 'string' } },
    });
    const [models, input, ...more] = positionals;
    if (models === undefined || input === undefined || more.length > 0)
      throw new UsageError('`nestor run` takes a model and an input.');
    const kind = extname(input).toLowerCase();
    const { openModels } = await import('./open-models.js');
    const nestor = await openModels(resolve(models));
    try {
      const model = await chosen(nestor, values.model);
      if (kind === '.csv' || kind === '.ndjson' || kind === '.jsonl')
        return await new Rows(nestor, model, output).runFile(input, kind === '.csv', values.out);
      const { outputs } = await nestor.infer(model.name, await inputsOf(input));
      const text = `${JSON.stringify(outputs)}\n`;
      await write(destination(values.out, 'w'), text);
      return 0;
    } finally {
      await nestor.close();
    }
  },
};

interface Chosen {
  readonly name: string;
  readonly inputs: readonly TensorDescription[];
  readonly outputs: readonly TensorDescription[];
}

/** @throws UsageError where the name is left open, or there is none of that name */
async function chosen(nestor: Nestor, name: string | undefined): Promise<Chosen> {
  const models = await nestor.models();
  const model =
    name === undefined && models.length === 1 ? models[0] : models.find((each) => each.name === name);
  if (model === undefined) {
    const known = models.map((each) => each.name).join(', ') || 'none';
    throw new UsageError(
      `${name === undefined ? 'Which model? Give --model' : `There is no model "${name}"`}; there are: ${known}.`,
    );
  }
  if (model.state !== 'READY')
    throw new Error(`model "${model.name}" cannot be loaded: ${model.reason ?? model.state}`);
  return { name: model.name, inputs: model.inputs ?? [], outputs: model.outputs ?? [] };
}

async function inputsOf(input: string): Promise<Record<string, unknown>> {
  const text =
    input === '-'
      ? await standardInput()
      : input.trimStart().startsWith('{')
        ? input
        : await readFile(input, 'utf8');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new UsageError(`The input is not JSON: ${(error as Error).message}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new UsageError('The input must be a JSON object with an entry for each input of the model.');
  return value as Record<string, unknown>;
}

async function standardInput(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

function destination(out: string | undefined, flags: 'w' | 'a'): Writable {
  return out === undefined ? process.stdout : createWriteStream(out, { flags });
}

async function write(to: Writable, text: string): Promise<void> {
  if (!to.write(text)) await once(to, 'drain');
}

/** A file of rows, run in batches and answered line by line. */
class Rows {
  private done = 0;
  private readonly progress = process.stderr.isTTY;

  constructor(
    private readonly nestor: Nestor,
    private readonly model: Chosen,
    private readonly output: Output,
  ) {}

  async runFile(file: string, isCsv: boolean, out: string | undefined): Promise<number> {
    const skipped = out === undefined ? 0 : await wholeLines(out);
    const to = destination(out, 'a');
    const underWay: Promise<string>[] = [];
    const finishOne = async (): Promise<void> => {
      const lines = await underWay.shift();
      if (lines !== undefined) await write(to, lines);
    };
    let batch: Record<string, unknown>[] = [];
    const begin = (): void => {
      const answer = this.answerLines(batch);
      // It is looked at when it is this one's turn; until then nobody else need know.
      answer.catch(() => undefined);
      underWay.push(answer);
      batch = [];
    };
    try {
      let row = 0;
      for await (const inputs of this.rowsOf(file, isCsv)) {
        if (row++ < skipped) continue;
        batch.push(inputs);
        if (batch.length < this.rowsARun) continue;
        begin();
        if (underWay.length >= AT_ONCE) await finishOne();
      }
      if (batch.length > 0) begin();
      while (underWay.length > 0) await finishOne();
    } finally {
      await Promise.allSettled(underWay);
      if (this.progress) process.stderr.write('\n');
      if (to !== process.stdout) {
        to.end();
        await once(to, 'close');
      }
    }
    this.output.error(`${this.done} rows${skipped > 0 ? `, after ${skipped} that were there` : ''}`);
    return 0;
  }

  /** All rows of a run go together where every input and output has a dimension of them. */
  private get rowsARun(): number {
    const { inputs, outputs } = this.model;
    return [...inputs, ...outputs].every(({ shape }) => shape[0] === -1) ? ROWS_A_RUN : 1;
  }

  private async *rowsOf(file: string, isCsv: boolean): AsyncGenerator<Record<string, unknown>> {
    let columns: Columns | undefined;
    let number = 0;
    for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
      number++;
      if (line.trim() === '') continue;
      if (!isCsv) {
        yield rowOf(line, number);
      } else if (columns === undefined) {
        columns = csvColumns(line, this.model.inputs);
        if (!columns.isHeader) yield columns.row(line, number);
      } else {
        yield columns.row(line, number);
      }
    }
  }

  private async answerLines(rows: readonly Record<string, unknown>[]): Promise<string> {
    const inputs = Object.fromEntries(
      this.model.inputs.map(({ name }) => [name, rows.map((row) => row[name])]),
    );
    const { outputs } = await this.nestor.infer(this.model.name, inputs);
    const names = Object.keys(outputs);
    const lines = rows.map((_, i) =>
      JSON.stringify(Object.fromEntries(names.map((name) => [name, (outputs[name] as unknown[])[i]]))),
    );
    this.done += rows.length;
    if (this.progress) process.stderr.write(`\r${this.done} rows`);
    return `${lines.join('\n')}\n`;
  }
}

/** Lines of an earlier run; what it did not write to its end is cut off. */
async function wholeLines(file: string): Promise<number> {
  if (!existsSync(file)) return 0;
  let lines = 0;
  let at = 0;
  let end = 0;
  for await (const chunk of createReadStream(file)) {
    const bytes = chunk as Buffer;
    for (let i = bytes.indexOf(10); i !== -1; i = bytes.indexOf(10, i + 1)) {
      lines++;
      end = at + i + 1;
    }
    at += bytes.length;
  }
  if (end < at) await truncate(file, end);
  return lines;
}
