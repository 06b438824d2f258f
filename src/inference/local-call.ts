import { DomainError } from '../errors/domain-error';
import type { LoadedModel } from '../models/loading/loaded-model';
import { type DeclaredAnswer, writeDeclared } from '../processing/declared-answer';
import { type DeclaredBody, readDeclaredValues } from '../processing/declared-inputs';
import { anyTruncated } from '../processing/input-facts';
import { type RawRequest, rawRequest } from '../processing/model-processing';
import type { OutputPlan } from '../processing/plans';
import { DEFAULT_PRIORITY_LEVEL } from '../scheduling/scheduled-request';
import { JsonWriter } from '../tensors/json/json-writer';
import type { InferenceCall, InferenceRequest, InferenceResult } from './inference-call';
import { unknownOutput } from './inference.service';
import { isTensor, localTensor, nestedArrays, tensorsOfValues } from './local-values';

export interface InferOptions {
  readonly version?: string;
  /** Names of the outputs that are wanted; left out: all. */
  readonly outputs?: readonly string[];
  /** 1, most urgent, to 10; 5 when left out. */
  readonly priority?: number;
  /** Queue and run together; left out: as the model or the settings say. */
  readonly timeoutMs?: number;
  /** `false` leaves the prediction cache out. */
  readonly cache?: boolean;
  /** `true` answers declared inputs with the model's own outputs. */
  readonly raw?: boolean;
  readonly signal?: AbortSignal;
}

const OPTIONS: Readonly<Record<keyof InferOptions, true>> = {
  version: true,
  outputs: true,
  priority: true,
  timeoutMs: true,
  cache: true,
  raw: true,
  signal: true,
};

export interface LocalAnswer<Outputs = Record<string, unknown>> {
  readonly outputs: Outputs;
  readonly model: string;
  readonly version: string;
  readonly cached: boolean;
  /** Was a text longer than the model takes, and cut? */
  readonly truncated?: true;
}

/**
 * A call from the same process: values of the language in and out, and no HTTP in between.
 * Inputs are the declared ones (bytes of pictures, texts, records of a table), or the model's own: nested arrays, or
 * `LocalTensor`s; where one is such, the outputs are, too.
 * @internal
 */
export class LocalCall implements InferenceCall<LocalAnswer> {
  readonly protocol = 'native';
  readonly startedAt = performance.now();
  readonly deadlineMs: number;
  private raw: RawRequest | undefined;

  /** @param longestMs what the settings give a call that says nothing else */
  constructor(
    readonly model: string,
    private readonly inputs: Readonly<Record<string, unknown>>,
    private readonly options: InferOptions,
    longestMs: number,
  ) {
    this.deadlineMs = this.startedAt + longestMs;
  }

  get version(): string | undefined {
    return this.options.version;
  }

  get signal(): AbortSignal | undefined {
    return this.options.signal;
  }

  get cacheUse(): 'use' | 'none' {
    return this.options.cache === false ? 'none' : 'use';
  }

  accepted(): void {
    // Nobody else is to know.
  }

  mayBeUrgent(): boolean {
    return (this.options.priority ?? DEFAULT_PRIORITY_LEVEL) < DEFAULT_PRIORITY_LEVEL;
  }

  async decode(model: LoadedModel): Promise<InferenceRequest> {
    const { outputs, priority = DEFAULT_PRIORITY_LEVEL, timeoutMs } = this.options;
    const declared = model.processing?.declared;
    const body = declared && readDeclaredValues(await withoutBlobs(this.inputs), declared);
    this.raw = this.rawOf(model, body);
    const inputs = body === undefined ? tensorsOfValues(model, this.inputs) : [];
    const isOwn = this.raw === undefined || this.raw.wantsTensors;
    // A declared output may be of several tensors: which are wanted shows in the answer.
    return { inputs, outputs: isOwn ? outputs : undefined, priority, timeoutMs, raw: this.raw };
  }

  release(): void {
    // The arrays are the caller's.
  }

  encode({ name: model, version, processing }: LoadedModel, result: InferenceResult): LocalAnswer {
    const cached = result.cache === 'HIT' || result.cache === 'SHARED';
    const form = this.raw && processing?.answerForm(this.raw);
    if (form === undefined) return { outputs: this.tensors(result), model, version, cached };
    const plans = wantedOf(form.plans, model, this.options.outputs);
    const outputs = this.declared({ ...form, plans, outputs: result.outputs });
    const truncated = anyTruncated(result.outputs) && ({ truncated: true } as const);
    return { outputs, model, version, cached, ...truncated };
  }

  protected declared(answer: DeclaredAnswer): Record<string, unknown> {
    const writer = new JsonWriter();
    writeDeclared(writer, answer);
    return JSON.parse(writer.finish().toString()) as Record<string, unknown>;
  }

  /** As the native API has it: where only the answer is declared, tensors get that, too, unless they came typed. */
  private rawOf({ processing }: LoadedModel, body: DeclaredBody | undefined): RawRequest | undefined {
    const { raw = false } = this.options;
    if (body !== undefined) return rawRequest(body.inputs, body.options, raw);
    const isDeclared = processing?.takesRaw === false && !raw && !this.isTyped;
    return isDeclared ? rawRequest([], {}, false) : undefined;
  }

  private tensors({ outputs }: InferenceResult): Record<string, unknown> {
    const { isTyped } = this;
    const values = outputs.map((one) => [one.name, isTyped ? localTensor(one) : nestedArrays(one)]);
    return Object.fromEntries(values) as Record<string, unknown>;
  }

  private get isTyped(): boolean {
    return Object.values(this.inputs).some(isTensor);
  }
}

/** @throws unknown_output */
function wantedOf(
  plans: readonly OutputPlan[],
  model: string,
  names: readonly string[] | undefined,
): readonly OutputPlan[] {
  const planOf = (name: string): OutputPlan => {
    const plan = plans.find((one) => one.name === name);
    if (plan === undefined) throw unknownOutput({ name: model, outputs: plans }, name);
    return plan;
  };
  return names?.map(planOf) ?? plans;
}

/** What a browser or `fetch` hands over is read, so that it is bytes as any others. */
async function withoutBlobs(inputs: Readonly<Record<string, unknown>>): Promise<Record<string, unknown>> {
  const bytes = async (value: unknown): Promise<unknown> => {
    if (value instanceof Blob) return new Uint8Array(await value.arrayBuffer());
    const hasBlob = Array.isArray(value) && value.some((item) => item instanceof Blob);
    return hasBlob ? Promise.all((value as readonly unknown[]).map(bytes)) : value;
  };
  const entries = Object.entries(inputs).map(async ([name, value]) => [name, await bytes(value)] as const);
  return Object.fromEntries(await Promise.all(entries));
}

/**
 * A call of who may not have the types to be told by.
 * @throws invalid_request
 * @internal
 */
export function localCall(
  model: unknown,
  inputs: unknown,
  options: InferOptions,
  longestMs: number,
): LocalCall {
  if (typeof model !== 'string') throw invalid('the name of a model must be a text');
  if (typeof inputs !== 'object' || inputs === null || Array.isArray(inputs)) {
    throw invalid('inputs must be an object of values by the names of inputs');
  }
  const odd = Object.keys(options).find((name) => !(name in OPTIONS));
  if (odd !== undefined) {
    throw invalid(`there is no option "${odd.slice(0, 40)}"; there are ${Object.keys(OPTIONS).join(', ')}`);
  }
  return new LocalCall(model, inputs as Record<string, unknown>, options, longestMs);
}

function invalid(fault: string): DomainError {
  return new DomainError('invalid_request', `infer: ${fault}.`);
}
