import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { byteSize } from '../config/kinds';
import { readEnvironment } from '../config/settings';
import { type PullResult, pullSources } from '../models/repository/sources/pull-sources';
import { SourceFault } from '../models/repository/sources/source';
import { collectBuffersEarly } from '../process/v8-options';
import { readArguments } from './arguments';
import { type Command, type Output, UsageError } from './command';

const MB = 1024 ** 2;
const LARGEST = 1024 ** 5;
const PROGRESS_MS = 1000;

/** Models from where they are kept, whole or not at all: for a start script, or an init container. */
export const pull: Command = {
  summary: 'fetch models from S3, Google Cloud Storage, Hugging Face or the web',
  help: `Usage: nestor pull [--dir <folder>] [--max-bytes <size>] [--json] <source>...

Brings models into the model folder (--dir, else MODEL_DIR, else ./models). A model changes at one stroke, once all of its
files are there, whole and on disk; what is there already is not fetched again, and what broke off goes on where it was.

Sources:
  s3://bucket/prefix                       one model (model.onnx or 1/model.onnx under it), or a folder of each
  gs://bucket/prefix                       the same
  hf://org/repository@revision             a model that has an ONNX file, with its tokenizer and configuration
  https://host/m.onnx#sha256=<64 digits>   one file
  name=<source>                            gives one model another name

Credentials are those of each cloud's own tools: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a service account's role, a
container's; AWS_REGION; AWS_ENDPOINT_URL_S3 for other servers that speak S3; GOOGLE_OAUTH_ACCESS_TOKEN or the machine's
service account; HF_TOKEN. Without any, what is public is fetched.

Options:
  --dir <folder>       the model folder
  --max-bytes <size>   what everything pulled may take there (512mb, 20gb); default 100gb
  --json               a line of JSON for each model

Exit code 0: all is there; 1: something could not be fetched, and what was there of it stays; 2: a wrong call.

Examples:
  nestor pull s3://models/production
  nestor pull --dir /mnt/models fraud=s3://models/fraud/v7
  nestor pull embedder=hf://sentence-transformers/all-MiniLM-L6-v2@main`,

  async run(args, output) {
    const { values, positionals } = readArguments(args, {
      allowPositionals: true,
      options: {
        dir: { type: 'string' },
        'max-bytes': { type: 'string', default: '100gb' },
        json: { type: 'boolean', default: false },
      },
    });
    if (positionals.length === 0)
      throw new UsageError('nestor pull takes at least one source; --help lists their forms');
    const maxBytes = byteSize(1, LARGEST).parse(values['max-bytes']);
    if (maxBytes === undefined) throw new UsageError('--max-bytes takes a size such as 512mb or 20gb');
    const dir = resolve(values.dir ?? (readEnvironment().MODEL_DIR || 'models'));
    await mkdir(dir, { recursive: true });
    collectBuffersEarly();
    const stop = new AbortController();
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () =>
        stop.abort(new Error('stopped; what has come stays, and the next call goes on with it')),
      );
    }
    const progress = new Progress(output);
    try {
      const results = await pullSources(positionals, dir, readEnvironment(), {
        signal: stop.signal,
        maxBytes,
        onBytes: (bytes) => progress.add(bytes),
        onResult: (result) => report(result, values.json, output),
      });
      return results.some((result) => 'fault' in result) ? 1 : 0;
    } catch (error) {
      if (error instanceof SourceFault) throw new UsageError(error.message);
      throw error;
    } finally {
      progress.end();
    }
  },
};

function report(result: PullResult, asJson: boolean, output: Output): void {
  if (asJson) output.out(JSON.stringify(result));
  else if ('fault' in result) output.error(`${result.source}: ${result.fault}`);
  else {
    const { model, files, sizeBytes, changed } = result;
    const what = changed ? 'is there now' : 'is as it was';
    output.out(`${model}: ${what}, ${files} ${files === 1 ? 'file' : 'files'}, ${megabytes(sizeBytes)}`);
  }
}

/** A line a second on a terminal's standard error while bytes come. */
class Progress {
  private bytes = 0;
  private told = 0;
  private readonly timer: NodeJS.Timeout | undefined;

  constructor(output: Output) {
    if (!process.stderr.isTTY) return;
    this.timer = setInterval(() => {
      if (this.bytes > this.told) output.error(`${megabytes(this.bytes)} fetched`);
      this.told = this.bytes;
    }, PROGRESS_MS);
  }

  add(bytes: number): void {
    this.bytes += bytes;
  }

  end(): void {
    clearInterval(this.timer);
  }
}

function megabytes(bytes: number): string {
  return `${(bytes / MB).toFixed(1)} MB`;
}
