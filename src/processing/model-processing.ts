import { readFile } from 'node:fs/promises';
import { sideBySide } from '../common/side-by-side';
import type { JsonObject } from '../config/yaml/json-value';
import { DomainError } from '../errors/domain-error';
import { elementCount } from '../tensors/shape';
import type { Tensor, TensorSpec } from '../tensors/tensor';
import type { AssetFiles } from './assets';
import type { DeclaredAnswer } from './declared-answer';
import type { DeclaredInputs } from './declared-inputs';
import { readSample } from './declared-sample';
import { finishAll, finishingWeight } from './finish';
import { joinParts } from './join-parts';
import { canonicalOptions, type RequestOptions } from './options';
import type { Pipeline } from './pipeline';
import type { OpenPipeline, ProcessingPool, Waiter } from './pool/processing-pool';
import { needsOpening } from './plans';
import type { Prepared, PreparedRun } from './prepared';
import type { RawInput } from './raw-input';
import { singleRows, takesOneRow } from './single-rows';

/** Outputs with more elements than these are finished on a processing thread: it would hold the event loop too long. */
const LARGE_OUTPUT_ELEMENTS = 256 * 1024;

/** Of one request: enough to keep all sessions busy, and few enough to leave the queue to others. */
const RUNS_AT_ONCE = 16;

/** Runs the model once. */
export type RunModel = (
  inputs: readonly Tensor[],
  run: PreparedRun,
) => Promise<{ readonly outputs: readonly Tensor[] }>;

/** What a request asks of a declaration. */
export interface RawRequest {
  /** Nothing where tensors are sent, and only the answer is declared. */
  readonly inputs: readonly RawInput[];
  readonly options: RequestOptions;
  /** The same text for the same options, and for what else changes the answer. */
  readonly optionsText: string;
  /** Is the answer to be the model's own outputs, in place of the declared ones? */
  readonly wantsTensors: boolean;
}

export function rawRequest(
  inputs: readonly RawInput[],
  options: RequestOptions,
  wantsTensors: boolean,
): RawRequest {
  const optionsText = canonicalOptions(options) + (wantsTensors ? ' raw' : '');
  return { inputs, options, optionsText, wantsTensors };
}

/** What a loaded model declares, ready to be asked. */
export class ModelProcessing {
  /** May texts of different lengths run together, the shorter ones padded? Until it turns out that they may not. */
  mayPad = true;
  /** What a request is read by. */
  readonly declared: DeclaredInputs;

  constructor(
    private readonly pool: ProcessingPool,
    readonly pipeline: Pipeline,
    private readonly opened: OpenPipeline,
    private readonly inputs: readonly TensorSpec[],
    private readonly assets: AssetFiles,
    /** Does `model.yaml` itself declare something? */
    private readonly isOwn: boolean,
  ) {
    const { inputs: declared, options } = pipeline;
    this.declared = { inputs: declared.map(({ plan }) => plan), options };
  }

  /** How what a request asked for is answered; undefined where that is the model's own outputs. */
  answerForm({ inputs, wantsTensors }: RawRequest): Omit<DeclaredAnswer, 'outputs'> | undefined {
    if (wantsTensors) return undefined;
    const isList = inputs.length === 0 || inputs.some((input) => input.isList);
    return { plans: this.pipeline.outputs, isList };
  }

  /** Do requests name declared inputs? Else only what is answered is declared. */
  get takesRaw(): boolean {
    return this.pipeline.inputs.length > 0;
  }

  /** Is it but recognised, with nothing to be loaded or tried before it serves? Then a small model is as light as without. */
  get isLight(): boolean {
    return !this.isOwn && !needsOpening(this.declared.inputs);
  }

  /**
   * A request out of values in `model.yaml`; undefined where they mean tensors.
   * @throws model_unavailable
   */
  async sample(values: JsonObject): Promise<RawRequest | undefined> {
    const read = await readSample(values, this.pipeline, this.assets);
    return read && rawRequest(read.inputs, read.options, false);
  }

  /** A file of the model's folder. @throws model_unavailable when it is not there */
  async file(name: string): Promise<Buffer> {
    return readFile(await this.assets.path(name));
  }

  /** The model's inputs for a request, in its order, of each run that it needs. @throws what the steps throw */
  async prepare({ inputs, options }: RawRequest, waiter: Waiter): Promise<Prepared> {
    const runs = await this.pool.prepare(this.opened, inputs, options, waiter);
    return runs.map((run) => ({ ...run, tensors: this.ordered(run) }));
  }

  /**
   * From raw inputs to the declared outputs, or to the model's own: prepares on a processing thread, has the model run,
   * and finishes.
   * @throws what the steps and the run throw
   */
  async answer(request: RawRequest, waiter: Waiter, run: RunModel): Promise<readonly Tensor[]> {
    const { inputs, options, wantsTensors } = request;
    // The model's own outputs are as long as its inputs, and could not be put together again.
    const mayPart = !wantsTensors && !this.pipeline.outputs.some(({ type }) => type === 'raw');
    const { mayPad } = this;
    const prepared = await this.pool.prepare(this.opened, inputs, options, waiter, { mayPart, mayPad });
    const runs = takesOneRow(this.inputs) ? prepared.flatMap(singleRows) : prepared;
    const parts = await sideBySide(runs, RUNS_AT_ONCE, async (part) => {
      const { outputs } = await run(this.ordered(part), part);
      const tensors = wantsTensors ? outputs : await this.finish(outputs, part.contexts, options, waiter);
      return { tensors, rows: part.rows };
    });
    return joinParts(parts);
  }

  /** Declared outputs of the model's own. */
  async finish(
    outputs: readonly Tensor[],
    contexts: PreparedRun['contexts'],
    options: RequestOptions,
    waiter: Waiter,
  ): Promise<readonly Tensor[]> {
    let elements = 0;
    for (const { shape } of outputs) elements += elementCount(shape);
    return elements * finishingWeight(this.pipeline.outputs, options) > LARGE_OUTPUT_ELEMENTS
      ? this.pool.finish(this.opened, outputs, contexts, options, waiter)
      : finishAll(this.pipeline.outputs, { outputs, contexts, options });
  }

  /** A request of one short text; undefined where the model takes no texts alone. */
  shortText(): RawRequest | undefined {
    const [input, ...others] = this.pipeline.inputs;
    if (input?.plan.type !== 'text' || others.length > 0) return undefined;
    const { name, pairs } = input.plan;
    const raw: RawInput = pairs
      ? { name, media: 'pairs', pieces: ['a', 'a'], isList: false }
      : { name, media: 'text', pieces: ['a'], isList: false };
    return rawRequest([raw], {}, false);
  }

  close(): void {
    this.pool.close(this.opened);
  }

  /** The tensors in the order in which the model declares its inputs. */
  private ordered({ tensors }: PreparedRun): Tensor[] {
    return this.inputs.map(({ name }) => {
      const tensor = tensors.find((one) => one.name === name);
      if (tensor === undefined) throw new DomainError('internal_error', `No step made the input ${name}.`);
      return tensor;
    });
  }
}
