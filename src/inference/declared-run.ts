import { detachBuffer } from '../common/detach-buffer';
import type { LoadedModel } from '../models/loading/loaded-model';
import type { ModelProcessing, RawRequest, RunModel } from '../processing/model-processing';
import { emptyInput, refusalOf } from '../scheduling/empty-inputs';
import type { ScheduledRequest, ScheduledResult } from '../scheduling/scheduled-request';
import type { Tensor } from '../tensors/tensor';

/** The outputs that a request by declared inputs is answered with. */
export function rawOutputs(
  { outputs, processing }: LoadedModel,
  { wantsTensors }: RawRequest,
): readonly { readonly name: string }[] {
  if (wantsTensors || processing === undefined) return outputs;
  return processing.pipeline.outputTensors;
}

/** Has a version run a request, the way that its declaration asks for. */
export function runOf(
  model: LoadedModel,
  request: ScheduledRequest,
  raw: RawRequest | undefined,
): Promise<ScheduledResult> {
  return raw === undefined || model.processing === undefined
    ? model.queue.submit(request)
    : runDeclared(model, model.processing, request, raw);
}

/**
 * Runs a request the way of the model's declaration: raw inputs become tensors, which wait and run as any others, and
 * what comes of them is finished. Where tensors were sent, only the last of it is left to do.
 * @returns the declared outputs; queue and run of all its runs together
 */
async function runDeclared(
  model: LoadedModel,
  processing: ModelProcessing,
  request: ScheduledRequest,
  raw: RawRequest,
): Promise<ScheduledResult> {
  const record = request.trace?.record;
  if (raw.inputs.length === 0) {
    const result = await model.queue.submit(request);
    record?.processing(performance.now());
    const outputs = await processing.finish(result.outputs, [], raw.options, request);
    record?.processed(performance.now());
    return { ...result, outputs: [...outputs] };
  }
  record?.processing(performance.now());
  const results: ScheduledResult[] = [];
  const run: RunModel = async (inputs, { padding }) => {
    // All that it was made of has been read.
    request.onInputsConsumed?.();
    const empty = model.config.allowEmpty ? undefined : emptyInput(inputs);
    if (empty !== undefined) throw refusalOf(empty);
    const result = await model.queue.submit({
      inputs,
      rows: inputs[0]?.shape[0] ?? 1,
      priority: request.priority,
      deadlineMs: request.deadlineMs,
      signal: request.signal,
      requestId: request.requestId,
      trace: request.trace,
      whenIdle: request.whenIdle,
      padding,
      onInputsConsumed: () => giveBack(inputs),
    });
    results.push(result);
    return result;
  };
  const outputs = await processing.answer(raw, request, run);
  record?.processed(performance.now());
  return {
    outputs: [...outputs],
    queueMs: Math.max(...results.map(({ queueMs }) => queueMs)),
    runMs: results.reduce((sum, { runMs }) => sum + runMs, 0),
    batchRows: Math.max(...results.map(({ batchRows }) => batchRows)),
  };
}

/** Tensors that were made for a run and are nobody else's. Left to the collector, it goes through all it has every twenty photos. */
function giveBack(inputs: readonly Tensor[]): void {
  for (const { data } of inputs) if (!Array.isArray(data)) detachBuffer(data);
}
