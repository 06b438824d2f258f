import { createReadStream } from 'node:fs';
import { createHash } from 'node:crypto';
import type { INestApplicationContext } from '@nestjs/common';
import { Logger } from '@nestjs/common';
import { createEmbedded } from '../../bootstrap';
import { toEnvironment } from '../../config/options';
import { parseSettings } from '../../config/settings';
import { DomainError, ERRORS } from '../../errors/domain-error';
import { LocalCall } from '../../inference/local-call';
import type { LoadedModel } from '../../models/loading/loaded-model';
import { ModelsService } from '../../models/models.service';
import { describeServed } from '../../protocols/native/model-description';
import type { OnnxSettings } from '../../runners/onnx/onnx-kind';
import type { PreparedRun } from '../../processing/prepared';
import { sliceRows } from '../../scheduling/batch';
import { UsageError } from '../command';
import { batchesOf } from '../run/rows';
import type { Inputs, TargetModel } from '../run/target';
import type { Kind, Nature } from './accuracy';
import { type Joining, madeUpRows, type Row, ZEROS_BEHIND } from './rows';
import type { Settings } from './session';

const DAY_MS = 86_400_000;
/** More samples than these are not read: nothing would be learnt of them. */
const MOST_SAMPLES = 400;
const LEAST_SAMPLES = 16;
const MADE_UP = 32;

/** What is known of a model that is served: how, and what it takes. */
export interface Subject {
  readonly name: string;
  readonly version: string;
  /** How the server opens it. */
  readonly settings: Settings;
  /** How its rows run together; undefined: they never do. */
  readonly joining: Joining | undefined;
  readonly nature: Nature;
  readonly rows: readonly Row[];
  /** Are the rows the user's own? */
  readonly own: boolean;
}

/** Rows, and how the model has them run together where its declaration says that. */
interface Rows {
  readonly rows: readonly Row[];
  readonly joining?: Joining | undefined;
}

/**
 * Loads a model as a server does, and has the samples made into its tensors by what it declares.
 * @param version left out: the one that serves
 * @param samples a file of NDJSON, as `nestor run` takes it; left out: rows are made up
 * @throws UsageError for what cannot be used
 */
export async function subjectOf(
  {
    modelDir,
    name,
    version,
    samples,
  }: { modelDir: string; name: string; version?: string; samples?: string },
  stop: AbortSignal,
): Promise<Subject> {
  // A command says itself what went wrong.
  Logger.overrideLogger(false);
  const options = {
    modelDir,
    modelNames: [name],
    cacheEnabled: false,
    apiPrefix: '/',
    logDir: '',
    accessLog: false,
  };
  const limits = {
    inferenceDeadlineMs: DAY_MS,
    runTimeoutMs: DAY_MS,
    maxTableRows: 1_000_000,
    page: false,
    workers: 0,
  };
  const { app } = await createEmbedded(parseSettings(toEnvironment({ ...options, ...limits })));
  try {
    return await describe(app, { name, version, samples }, stop);
  } finally {
    await app.close();
  }
}

async function describe(
  app: INestApplicationContext,
  { name, version, samples }: { name: string; version?: string; samples?: string },
  stop: AbortSignal,
): Promise<Subject> {
  const models = app.get(ModelsService);
  const model = await models.acquire(name, version, performance.now() + DAY_MS);
  try {
    const { config } = model;
    if (config.runtime !== 'onnx')
      throw new UsageError(`Model "${name}" runs elsewhere: there is nothing to optimise.`);
    const { graphOptimization, intraOpThreads, interOpThreads, executionProviders } =
      config.runner as OnnxSettings;
    const { rows, joining = ZEROS_BEHIND } =
      samples === undefined
        ? await ownRows(model)
        : await samplesIn(samples, targetOf(app, model), model, stop);
    return {
      name,
      version: model.version,
      settings: {
        graphOptimization,
        intraOpThreads: intraOpThreads ?? 1,
        interOpThreads,
        executionProviders,
      },
      joining: model.batching.enabled ? joining : undefined,
      nature: { declared: declaredKinds(model), side: joining.side },
      rows,
      own: samples !== undefined,
    };
  } finally {
    model.use.release();
  }
}

function targetOf(app: INestApplicationContext, served: LoadedModel): TargetModel {
  const entry = app.get(ModelsService).entry(served.name);
  const { inputs = [], outputs = [], pipeline, batching } = describeServed(entry, served);
  return { name: served.name, inputs, outputs, pipeline, batching };
}

const KINDS: Readonly<Record<string, Kind>> = {
  embedding: 'vector',
  classification: 'classes',
  ctc: 'steps',
  tokens: 'steps',
  regression: 'numbers',
};

/** What each output is, as far as `model.yaml` says it. */
function declaredKinds({ processing }: LoadedModel): Nature['declared'] {
  const kinds = new Map<string, Kind>();
  for (const plan of processing?.pipeline.outputs ?? []) {
    const kind = KINDS[plan.type];
    if (kind !== undefined && 'from' in plan && typeof plan.from === 'string') kinds.set(plan.from, kind);
  }
  return kinds;
}

/**
 * The rows of a file as tensors, none twice: what has been used to choose by is not to judge by.
 * @throws UsageError that names the row; where there are too few
 */
async function samplesIn(
  file: string,
  target: TargetModel,
  model: LoadedModel,
  stop: AbortSignal,
): Promise<Rows> {
  const rows = new Map<string, Row>();
  let joining: Joining | undefined;
  const chunks = createReadStream(file) as AsyncIterable<Buffer>;
  let before = 0;
  for await (const batch of batchesOf({ kind: 'ndjson', chunks }, target)) {
    for (const [i, inputs] of eachOf(batch.inputs(), batch.isList ? batch.rows : undefined).entries()) {
      stop.throwIfAborted();
      const made = await tensorsOf(model, inputs).catch((error: unknown) => {
        if (!(error instanceof DomainError) || ERRORS[error.code].outcome !== 'client_error') throw error;
        throw new UsageError(`Row ${before + i + 1} of ${file}: ${error.message}`, { cause: error });
      });
      for (const row of made.rows) rows.set(digestOf(row), row);
      joining ??= made.joining;
    }
    before += batch.rows;
    if (rows.size >= MOST_SAMPLES) break;
  }
  if (rows.size < LEAST_SAMPLES)
    throw new UsageError(
      `${file} has ${before} rows, of which ${rows.size} are different: at least ${LEAST_SAMPLES} are needed, and 250 are better.`,
    );
  return { rows: [...rows.values()], joining };
}

/** Inputs with lists for several rows as inputs of one each. */
function eachOf(inputs: Inputs, rows: number | undefined): Inputs[] {
  if (rows === undefined) return [inputs];
  return Array.from({ length: rows }, (_, row) =>
    Object.fromEntries(Object.entries(inputs).map(([name, values]) => [name, [(values as unknown[])[row]]])),
  );
}

/** What a call with these inputs would have the model run, row by row. */
async function tensorsOf(model: LoadedModel, inputs: Inputs): Promise<Rows> {
  const call = new LocalCall(model.name, inputs, {}, DAY_MS);
  const { inputs: tensors, raw } = await call.decode(model);
  const { processing } = model;
  const runs: readonly Pick<PreparedRun, 'tensors' | 'padding'>[] =
    raw === undefined || processing === undefined || raw.inputs.length === 0
      ? [{ tensors, padding: undefined }]
      : await processing.prepare(raw, { deadlineMs: Infinity });
  const rows = runs.flatMap(({ tensors: run }) => {
    const count = run[0]?.shape[0] ?? 1;
    const apart = model.batching.enabled && run.every(({ shape }) => shape[0] === count);
    return apart ? Array.from({ length: count }, (_, row) => sliceRows(run, row, 1, count)) : [run];
  });
  return { rows, joining: runs.find(({ padding }) => padding !== undefined)?.padding };
}

/** Where nobody gives any: texts where it takes them, else numbers. */
async function ownRows(model: LoadedModel): Promise<Rows> {
  const { processing, sample } = model;
  const [input, ...others] = processing?.pipeline.inputs ?? [];
  if (input?.plan.type === 'text' && others.length === 0 && !input.plan.pairs) {
    const { name } = input.plan;
    const rows: Row[] = [];
    let joining: Joining | undefined;
    // One by one: together they would be padded.
    for (let i = 0; i < MADE_UP; i++) {
      const made = await tensorsOf(model, { [name]: sentence(i) });
      rows.push(...made.rows);
      joining ??= made.joining;
    }
    return { rows, joining };
  }
  if (sample === undefined)
    throw new UsageError(
      `No input is known that "${model.name}" takes: give some with --samples, or an example in model.yaml.`,
    );
  return { rows: madeUpRows(sample, MADE_UP) };
}

const WORDS =
  'the of a river price old is how small engine was green why water people cannot remember twelve north house begins light question slowly never paper market is there'.split(
    ' ',
  );

/** Of three to thirty-odd words. */
function sentence(index: number): string {
  return Array.from(
    { length: 3 + ((index * 7) % 31) },
    (_, i) => WORDS[(i * 11 + index * 13 + i * index) % WORDS.length],
  ).join(' ');
}

function digestOf(row: Row): string {
  const hash = createHash('sha256');
  for (const { shape, data } of row) {
    hash.update(shape.join());
    if (Array.isArray(data)) hash.update(JSON.stringify(data));
    else hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return hash.digest('hex');
}
