import { createReadStream, existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { extname } from 'node:path';
import type { Readable } from 'node:stream';
import { readArguments } from '../arguments';
import { type Command, EXIT, type Output, UsageError } from '../command';
import { answerLine } from './answer-lines';
import { givenInputs } from './given-inputs';
import { Progress } from './progress';
import { linesThere, openResults } from './results';
import { batchesOf, type RowsSource } from './rows';
import { score } from './score';
import type { Inputs, Target } from './target';

const ROW_FILES: Readonly<Record<string, RowsSource['kind']>> = {
  '.csv': 'csv',
  '.ndjson': 'ndjson',
  '.jsonl': 'ndjson',
};

export const run: Command = {
  summary: 'run a model on an input, or on a file of rows, here or on a server',
  help: `Usage: nestor run <model> <input...> [--model <name>] [--out <file>] [--as <kind>] [--url <url> [--key <API key>]]

The model is a file, a folder of models with --model, the folder of one, or a name in MODEL_DIR; with --url, a name on
that running server.

An input is a JSON object as the native API takes it, a .json file of one, a picture, or a text (or .txt file) for a
model that declares it; - is standard input. Of several, each is answered in a line of its own. Or it is a file of
rows, .csv or .ndjson (an object a line): each row's answer becomes a line of JSON, in the same order. Rows from
standard input need --as csv or --as ndjson. With --out, a run that was interrupted goes on behind the last whole line
that is there.

Exit codes: 0 done, 1 something failed, 2 an input or option is wrong, 130 interrupted.

Examples:
  nestor run model.onnx '{"features": [[5.1, 3.5, 1.4, 0.2]]}'
  nestor run digits three.png
  nestor run models --model iris rows.csv --out answers.ndjson
  zcat rows.csv.gz | nestor run iris - --as csv > answers.ndjson
  nestor run iris rows.csv --url http://localhost:8000/api --out answers.ndjson`,

  async run(args, output) {
    const { values, positionals } = readArguments(args, {
      allowPositionals: true,
      options: {
        model: { type: 'string' },
        out: { type: 'string' },
        as: { type: 'string' },
        url: { type: 'string' },
        key: { type: 'string' },
      },
    });
    const [given, ...inputs] = positionals;
    const [first] = inputs;
    if (given === undefined || first === undefined)
      throw new UsageError('`nestor run` takes a model and an input.');
    const rows = rowsOf(inputs, values.as);
    const target = await openTarget(given, values);
    try {
      return rows === undefined
        ? await answerEach(inputs, target, values.out)
        : await answerRows(rows, target, values.out, output);
    } finally {
      await target.close();
    }
  },
};

async function openTarget(
  given: string,
  { url, key, model }: { readonly url?: string; readonly key?: string; readonly model?: string },
): Promise<Target> {
  if (url === undefined) return (await import('./local-target.js')).openLocal(given, model);
  if (model !== undefined) throw new UsageError('With --url the first argument is the name of the model.');
  return (await import('./server-target.js')).openServer(url, given, key);
}

interface Rows {
  readonly kind: RowsSource['kind'];
  /** Undefined: standard input. */
  readonly file: string | undefined;
}

/** The file of rows that is meant; undefined where each input is one by itself. */
function rowsOf(inputs: readonly string[], as: string | undefined): Rows | undefined {
  if (as !== undefined && as !== 'csv' && as !== 'ndjson')
    throw new UsageError(`--as must be csv or ndjson, and is ${as}.`);
  const [input = '', ...others] = inputs;
  const kind = as ?? ROW_FILES[extname(input).toLowerCase()];
  if (kind === undefined || (as === undefined && input.trimStart().startsWith('{'))) return undefined;
  if (others.length > 0) throw new UsageError('A file of rows comes alone.');
  if (input === '-') return { kind, file: undefined };
  if (!existsSync(input)) throw new UsageError(`There is no file ${input}.`);
  return { kind, file: input };
}

/** One answer a line, in the order of the inputs. */
async function answerEach(
  inputs: readonly string[],
  target: Target,
  out: string | undefined,
): Promise<number> {
  // All are read before the first one runs: a name that is wrong shows at once.
  const given: Inputs[] = [];
  for (const input of inputs) given.push(await givenInputs(input, target.model));
  const results = await openResults(out, 'begin');
  try {
    for (const one of given) await results.write(answerLine(await target.infer(one)));
    return EXIT.done;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EPIPE') return EXIT.done;
    throw error;
  } finally {
    await results.close();
  }
}

async function answerRows(
  { kind, file }: Rows,
  target: Target,
  out: string | undefined,
  output: Output,
): Promise<number> {
  const skipped = await linesThere(out);
  const totalBytes = file === undefined ? undefined : (await stat(file)).size;
  const stream = file === undefined ? process.stdin : createReadStream(file);
  const progress = new Progress(process.stderr, totalBytes);
  const stop = new AbortController();
  const onSignal = (): void => stop.abort();
  // The second one ends the process at once.
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  const results = await openResults(out, 'go on');
  try {
    const batches = batchesOf({ kind, chunks: chunksUntil(stop.signal, stream) }, target.model);
    const { rows, ended } = await score(batches, target, results, { skipped, stop: stop.signal, progress });
    progress.end();
    if (ended === 'unread') return EXIT.done;
    const after = skipped > 0 ? `, after ${skipped} that were there` : '';
    const how =
      ended === undefined
        ? ''
        : out === undefined
          ? '; interrupted'
          : '; interrupted, the same command goes on from here';
    output.error(`${rows} rows${after}${how}`);
    return ended === undefined ? EXIT.done : EXIT.interrupted;
  } finally {
    progress.end();
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
    await results.close();
  }
}

/** Ends with the stream, or when it is told to: nobody waits for what may never come. */
async function* chunksUntil(stop: AbortSignal, stream: Readable): AsyncGenerator<Buffer> {
  stop.addEventListener('abort', () => stream.destroy(), { once: true });
  try {
    for await (const chunk of stream) yield chunk as Buffer;
  } catch (error) {
    if (!stop.aborted) throw error;
  }
}
