import { writeFile } from 'node:fs/promises';
import { readArguments } from './arguments';
import { type Command, EXIT, type Output, UsageError } from './command';
import type { Figures } from './bench/figures';
import { FreshServer } from './bench/fresh-server';
import { load } from './bench/http-load';
import { runPlain } from './bench/plain-runtime';
import { type Measured, svgOf, tableOf, tunedLines } from './bench/report';
import { type LocalModel, localModel, Target } from './bench/target';
import { type Keys, type Trial, TrialFolder, tune, type Tuned } from './bench/tuning';

const MOST_CONNECTIONS = 1024;
const MOST_SECONDS = 600;

export const bench: Command = {
  summary: 'measure a model under load, and try what makes it faster',
  help: `Usage: nestor bench <model> [--url <API>] [options]

Sends requests over 1, 8 and 32 connections, the next one on each as soon as the last is answered, and shows how many are
answered in a second and how long that takes. <model> is a file, a folder of models (with --model), or the name of a model
in the model folder: a server is started for it, with the settings of the environment and without its cache, and stopped
afterwards; the runtime alone is measured beside it, one run after the other. With --url it is a name on a server that
runs. Client and server share the machine where both are on it.

Options:
  --model <name>          which one of a folder
  --url <API>             a running server, with its API_PREFIX: http://localhost:8000/api
  --key <API key>         for that server
  --input <JSON or file>  the request, a .json file, or a picture; else the model's example
  --connections <list>    1,8,32 unless it is given
  --seconds <number>      of each measurement; 3 unless it is given
  --tune                  tries intra_op_threads, instances and max_batch_rows, and prints the model.yaml that was best
  --max-seconds <number>  of tuning: begins no more trials then; 180 unless it is given
  --svg <file>            the picture as a file
  --json                  the figures for a program

Exit code 0: measured; 1: it could not be, or nothing was answered; 2: asked wrongly; 130: interrupted.

Examples:
  nestor bench model.onnx
  nestor bench models --model iris --connections 1,64 --seconds 10 --svg iris.svg
  nestor bench iris --url http://localhost:8000/api --json
  nestor bench model.onnx --tune`,

  async run(args, output) {
    const asked = readArgs(args);
    const stop = new AbortController();
    const interrupt = (): void => stop.abort(new Error('interrupted'));
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, interrupt);
    try {
      return await new Bench(asked, output, stop.signal).run();
    } catch (error) {
      // Whatever was under way when it was interrupted fails in its own words.
      if (!stop.signal.aborted) throw error;
      output.error('nestor: interrupted; nothing of it is left');
      return EXIT.interrupted;
    } finally {
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, interrupt);
    }
  },
};

interface Asked {
  readonly model: string;
  readonly name: string | undefined;
  readonly url: string | undefined;
  readonly key: string | undefined;
  readonly input: string | undefined;
  readonly connections: readonly number[];
  readonly seconds: number;
  readonly maxSeconds: number;
  readonly tune: boolean;
  readonly svg: string | undefined;
  readonly json: boolean;
}

function readArgs(args: readonly string[]): Asked {
  const { values, positionals } = readArguments(args, {
    allowPositionals: true,
    options: {
      model: { type: 'string' },
      url: { type: 'string' },
      key: { type: 'string' },
      input: { type: 'string' },
      connections: { type: 'string', default: '1,8,32' },
      seconds: { type: 'string', default: '3' },
      'max-seconds': { type: 'string', default: '180' },
      tune: { type: 'boolean', default: false },
      svg: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  });
  const [model, ...more] = positionals;
  if (model === undefined || more.length > 0) throw new UsageError('`nestor bench` takes one model.');
  const { url } = values;
  if (url !== undefined && (!URL.canParse(url) || !/^https?:/.test(url)))
    throw new UsageError(`--url must be an address such as http://localhost:8000/api, not "${url}".`);
  if (url !== undefined && values.tune)
    throw new UsageError(
      '--tune starts servers of its own, with other settings each: it does not go with --url.',
    );
  return {
    model,
    name: values.model,
    url: url?.replace(/\/+$/, ''),
    key: values.key,
    input: values.input,
    connections: values.connections
      .split(',')
      .map((one) => numberIn('--connections', one, MOST_CONNECTIONS, true)),
    seconds: numberIn('--seconds', values.seconds, MOST_SECONDS, false),
    maxSeconds: numberIn('--max-seconds', values['max-seconds'], MOST_SECONDS * 6, false),
    tune: values.tune,
    svg: values.svg,
    json: values.json,
  };
}

function numberIn(option: string, text: string, most: number, isWhole: boolean): number {
  const value = /^\s*\d+(\.\d+)?\s*$/.test(text) ? Number(text) : NaN;
  if (value > 0 && value <= most && (!isWhole || Number.isInteger(value))) return value;
  throw new UsageError(
    `${option} must be ${isWhole ? 'whole numbers' : 'a number'} above 0, at most ${most}; got "${text.slice(0, 40)}".`,
  );
}

/** One call of the command. */
class Bench {
  constructor(
    private readonly asked: Asked,
    private readonly output: Output,
    private readonly signal: AbortSignal,
  ) {}

  async run(): Promise<number> {
    const { asked } = this;
    if (asked.url !== undefined) {
      const target = await Target.ask(asked.url, asked.name ?? asked.model, asked.key, this.signal);
      return this.report(target, await this.underLoad(target), undefined);
    }
    const model = await localModel(asked.model, asked.name);
    return asked.tune ? this.tune(model) : this.fresh(model);
  }

  private async fresh(model: LocalModel): Promise<number> {
    return this.withServer(model.modelDir, model.name, async (target) => {
      const rows = await this.underLoad(target);
      return this.report(target, rows, await this.plain(model, target));
    });
  }

  private async withServer<Value>(
    modelDir: string,
    name: string,
    use: (target: Target) => Promise<Value>,
  ): Promise<Value> {
    const server = await FreshServer.start(modelDir, name, this.signal);
    try {
      return await use(await Target.ask(server.url, name, undefined, this.signal));
    } finally {
      await server.stop();
    }
  }

  private async underLoad(target: Target): Promise<Measured[]> {
    const request = await target.request(this.asked.input);
    const rows: Measured[] = [];
    for (const connections of this.asked.connections) {
      this.progress(`${connections} connection${connections === 1 ? '' : 's'} ...`);
      const { seconds } = this.asked;
      const figures = await load(request, { connections, seconds, signal: this.signal });
      rows.push({ name: connectionsIn(connections), figures });
    }
    return rows;
  }

  /** Undefined where the model takes what a tensor's example is not known of, or runs elsewhere. */
  private async plain(model: LocalModel, { example, details }: Target): Promise<Figures | undefined> {
    const file = model.versions.find(({ version }) => version === details.version)?.file;
    if (file === undefined || example === undefined) return undefined;
    this.progress('the runtime alone ...');
    return runPlain({ modelFile: file, inputs: example, seconds: this.asked.seconds }, this.signal);
  }

  private async report(target: Target, rows: Measured[], plain: Figures | undefined): Promise<number> {
    const { asked, output } = this;
    this.progress('');
    const { name, version = '' } = target.details;
    const title = `${name} ${version}, ${asked.seconds} s each`;
    const all = plain === undefined ? rows : [...rows, { name: 'runtime alone', figures: plain }];
    if (asked.svg !== undefined) await writeFile(asked.svg, svgOf(title, all));
    if (asked.json) {
      const load = rows.map(({ figures }, i) => ({ connections: asked.connections[i], ...figures }));
      output.out(
        JSON.stringify({ model: name, version, seconds: asked.seconds, load, runtime_alone: plain ?? null }),
      );
    } else for (const line of [title, '', ...tableOf(all)]) output.out(line);
    return rows.some(({ figures }) => figures.requests_per_second > 0) ? 0 : 1;
  }

  private async tune(model: LocalModel): Promise<number> {
    const { asked, output } = this;
    const folder = new TrialFolder(model);
    const connections = Math.max(...asked.connections);
    const byMs = performance.now() + asked.maxSeconds * 1000;
    try {
      const batches = await this.withServer(model.modelDir, model.name, async ({ details }) => {
        return Promise.resolve(details.batching.enabled);
      });
      const tuned = await tune(
        batches,
        () => performance.now() < byMs,
        (keys) => this.trial(folder, model.name, keys, connections),
      );
      this.progress('');
      if (asked.json) output.out(JSON.stringify(tunedJson(tuned, connections, folder)));
      else
        for (const line of tunedLines(tuned, connections, ({ keys }) => folder.yamlWith(keys)))
          output.out(line);
      const rows = tuned.trials.map((trial) => ({ name: JSON.stringify(trial.keys), figures: trial.many }));
      if (asked.svg !== undefined)
        await writeFile(asked.svg, svgOf(`${model.name}, ${connections} connections`, rows));
      return tuned.asItIs.many.requests_per_second > 0 ? 0 : 1;
    } finally {
      folder.remove();
    }
  }

  private async trial(
    folder: TrialFolder,
    name: string,
    keys: Keys,
    connections: number,
  ): Promise<Trial | undefined> {
    this.progress(`${JSON.stringify(keys)} ...`);
    folder.use(keys);
    try {
      return await this.withServer(folder.modelDir, name, async (target) => {
        const request = await target.request(this.asked.input);
        const { seconds } = this.asked;
        const one = await load(request, { connections: 1, seconds, signal: this.signal });
        const many = await load(request, { connections, seconds, signal: this.signal });
        return { keys, one, many };
      });
    } catch (error) {
      if (this.signal.aborted || Object.keys(keys).length === 0) throw error;
      this.output.error(`${JSON.stringify(keys)}: ${(error as Error).message}`);
      return undefined;
    }
  }

  /** On a terminal alone: one line that changes. */
  private progress(words: string): void {
    if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${words}`);
  }
}

function tunedJson(tuned: Tuned, connections: number, folder: TrialFolder): object {
  const told = (trial: Trial): object => ({ ...trial, model_yaml: folder.yamlWith(trial.keys) });
  return {
    connections,
    as_it_is: tuned.asItIs,
    best_throughput: told(tuned.bestThroughput),
    best_latency: told(tuned.bestLatency),
    trials: tuned.trials,
    cut_short: tuned.cutShort,
  };
}

function connectionsIn(count: number): string {
  return `${count} connection${count === 1 ? '' : 's'}`;
}
