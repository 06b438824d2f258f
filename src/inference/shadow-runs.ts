import { Inject, Injectable } from '@nestjs/common';
import { EventLogger } from '../telemetry/logging/event-logger';
import { type InferenceConfig, inferenceConfig } from '../config/config.slices';
import { reasonOf } from '../errors/domain-error';
import type { LoadedModel } from '../models/loading/loaded-model';
import { ModelsService } from '../models/models.service';
import type { RawRequest } from '../processing/model-processing';
import { rawBytes, type RawInput } from '../processing/raw-input';
import { sameElements } from '../scheduling/row-difference';
import type { ScheduledRequest, ScheduledResult } from '../scheduling/scheduled-request';
import { isSameShape } from '../tensors/shape';
import type { Tensor } from '../tensors/tensor';
import { runOf } from './declared-run';

interface ShadowCopy {
  compareWith(outputs: readonly Tensor[]): void;
  /** The request failed: there is nothing to compare with. */
  forget(): void;
}

type ShadowResult = 'same' | 'near' | 'differs' | 'failed' | 'skipped';

/** A copy is held until it has run: of a request that is larger none is taken. */
const MAX_COPY_BYTES = 16 * 1024 ** 2;
/** Compared on the event loop. */
const MAX_COMPARED_ELEMENTS = 1_000_000;
const PATIENCE_MS = 30_000;
/** What a copy that failed is taken to have cost, at most: it may have waited. */
const FAILED_MS = 100;
/** From which cosine on two outputs are near each other. */
const NEAR = 0.99;

/**
 * Has copies of a model's requests run by another version, its `shadow`, and counts how the two answers compare. A copy
 * begins only while nothing else runs, and its answer goes to nobody. What comes in the midst of it may have to wait all
 * the same, so copies take a small share of each worker's time, and as small a share of requests meets one.
 */
@Injectable()
export class ShadowRuns {
  private readonly logger = new EventLogger(ShadowRuns.name);
  /** By model, until when no copy is taken: for ever while one is under way. */
  private readonly restUntilMs = new Map<string, number>();

  constructor(
    private readonly models: ModelsService,
    @Inject(inferenceConfig.KEY) private readonly config: Pick<InferenceConfig, 'shadowTimeShare'>,
  ) {}

  /**
   * Takes a copy of a request that is about to run, as its memory may be others' afterwards.
   * @returns the copy, to be told the request's answer or that there is none; undefined where none was taken
   */
  copy(model: LoadedModel, request: ScheduledRequest, raw: RawRequest | undefined): ShadowCopy | undefined {
    const version = model.config.shadow!;
    if (version === model.version) return undefined;
    const { name, recorder } = model;
    const { shadowTimeShare } = this.config;
    const rests = shadowTimeShare === 0 || performance.now() < (this.restUntilMs.get(name) ?? 0);
    if (rests || bytesOf(request, raw) > MAX_COPY_BYTES) {
      recorder.shadowed('skipped');
      return undefined;
    }
    const inputs = request.inputs.map((tensor) => ({ ...tensor, data: tensor.data.slice() }));
    const copied = { inputs, rows: request.rows };
    const copiedRaw = raw && { ...raw, inputs: raw.inputs.map(copyOf) };
    const rest = (untilMs: number): void => void this.restUntilMs.set(name, untilMs);
    rest(Infinity);
    return {
      forget: () => rest(0),
      compareWith: (outputs) => {
        const startMs = performance.now();
        let waitedMs: number | undefined;
        void this.run(model, version, copied, copiedRaw)
          .then((result): ShadowResult => {
            waitedMs = result?.queueMs;
            return result === undefined ? 'skipped' : compare(outputs, result.outputs);
          })
          .catch((error: unknown): ShadowResult => {
            this.logger.debug({
              msg: 'a copy failed in the shadow',
              model: name,
              version,
              reason: reasonOf(error),
            });
            return 'failed';
          })
          .then((result) => {
            recorder.shadowed(result);
            const endMs = performance.now();
            const tookMs = endMs - startMs;
            const costMs = waitedMs === undefined ? Math.min(tookMs, FAILED_MS) : tookMs - waitedMs;
            rest(endMs + costMs * (1 / shadowTimeShare - 1));
          });
      },
    };
  }

  private async run(
    model: LoadedModel,
    version: string,
    copy: Pick<ScheduledRequest, 'inputs' | 'rows'>,
    raw: RawRequest | undefined,
  ): Promise<ScheduledResult | undefined> {
    const shadow = this.models.acquireServing(model.name, version);
    if (shadow === undefined) return undefined;
    try {
      const deadlineMs = performance.now() + PATIENCE_MS;
      const request = { ...copy, priority: 10, deadlineMs, whenIdle: true };
      return await runOf(shadow, request, raw);
    } finally {
      this.models.release(shadow);
    }
  }
}

function bytesOf({ inputs }: ScheduledRequest, raw: RawRequest | undefined): number {
  const tensors = inputs.reduce(
    (sum, { data }) =>
      sum +
      ('byteLength' in data ? data.byteLength : data.reduce((all, one) => all + 2 * String(one).length, 0)),
    0,
  );
  return tensors + (raw === undefined ? 0 : rawBytes(raw.inputs));
}

function copyOf(input: RawInput): RawInput {
  const pieces = input.pieces.map((piece) => (typeof piece === 'string' ? piece : Uint8Array.from(piece)));
  return { ...input, pieces };
}

/** `same`: as far as floats can be; `near`: floats of one direction, and all else the same. */
function compare(
  expected: readonly Tensor[],
  actual: readonly Tensor[],
): 'same' | 'near' | 'differs' | 'skipped' {
  if (expected.reduce((sum, { data }) => sum + data.length, 0) > MAX_COMPARED_ELEMENTS) return 'skipped';
  let result: 'same' | 'near' = 'same';
  for (const tensor of expected) {
    const other = actual.find(({ name }) => name === tensor.name);
    if (other?.datatype !== tensor.datatype || !isSameShape(tensor.shape, other.shape)) return 'differs';
    if (sameElements(tensor, other)) continue;
    if (!(tensor.data instanceof Float32Array || tensor.data instanceof Float64Array)) return 'differs';
    if (cosine(tensor.data, other.data as Float32Array) < NEAR) return 'differs';
    result = 'near';
  }
  return result;
}

function cosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let product = 0;
  let ofA = 0;
  let ofB = 0;
  for (let i = 0; i < a.length; i++) {
    product += a[i]! * b[i]!;
    ofA += a[i]! ** 2;
    ofB += b[i]! ** 2;
  }
  return product / Math.sqrt(ofA * ofB);
}
