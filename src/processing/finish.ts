import type { JsonWriter } from '../tensors/json/json-writer';
import type { Datatype } from '../tensors/datatype';
import type { Tensor, TensorSpec } from '../tensors/tensor';
import { finishClassification, printClassification } from './outputs/classification';
import { finishCtc, printCtc } from './outputs/ctc';
import { finishDetection, printDetection } from './outputs/detection';
import { finishEmbedding } from './outputs/embedding';
import type { Finishing } from './outputs/output-type';
import { finishRaw, printRaw } from './outputs/raw';
import { finishRerank, printRerank } from './outputs/rerank';
import { finishTokens, printTokens } from './outputs/tokens';
import { inputFacts } from './input-facts';
import type { OutputPlan } from './plans';

/**
 * The tensors of one declared output: what the cache keeps and the Open Inference Protocol answers. The first has the
 * output's name, more are `<name>.<what>`.
 */
export function finishOutput(plan: OutputPlan, finishing: Finishing): Tensor[] {
  switch (plan.type) {
    case 'classification':
      return finishClassification(plan, finishing);
    case 'embedding':
      return finishEmbedding(plan, finishing);
    case 'detection':
      return finishDetection(plan, finishing);
    case 'ctc':
      return finishCtc(plan, finishing);
    case 'rerank':
      return finishRerank(plan, finishing);
    case 'tokens':
      return finishTokens(plan, finishing);
    case 'raw':
      return finishRaw(plan, finishing);
  }
}

/**
 * The tensors that `finishOutput` gives, in their order.
 * @param outputs the model's own
 */
export function outputSpecs(plan: OutputPlan, outputs: readonly TensorSpec[]): TensorSpec[] {
  const { name } = plan;
  const spec = (what: string, datatype: Datatype, ...shape: number[]): TensorSpec => ({
    name: name + what,
    datatype,
    shape,
  });
  switch (plan.type) {
    case 'classification':
      return [spec('', 'BYTES', -1, -1), spec('.scores', 'FP32', -1, -1)];
    case 'ctc':
      return [spec('', 'BYTES', -1), spec('.scores', 'FP32', -1)];
    case 'detection':
      return [
        spec('', 'BYTES', -1),
        spec('.scores', 'FP32', -1),
        spec('.boxes', 'FP32', -1, 4),
        spec('.counts', 'INT64', -1),
      ];
    case 'tokens':
      return [
        spec('', 'BYTES', -1),
        spec('.text', 'BYTES', -1),
        spec('.scores', 'FP32', -1),
        spec('.spans', 'INT32', -1, 2),
        spec('.counts', 'INT64', -1),
      ];
    case 'embedding':
      return [spec('', 'FP32', -1, -1)];
    case 'rerank':
      return [spec('', 'FP32', -1)];
    case 'raw':
      return outputs.filter((output) => output.name === plan.from).map((output) => ({ ...output, name }));
  }
}

/** All declared outputs, in their order; behind them what is told of the inputs. */
export function finishAll(plans: readonly OutputPlan[], finishing: Finishing): Tensor[] {
  return [...plans.flatMap((plan) => finishOutput(plan, finishing)), ...inputFacts(finishing.contexts)];
}

/** Writes one row of a declared output, of the tensors that `finishOutput` made of it, as the native API answers it. */
export function printRow(
  plan: OutputPlan,
  tensors: readonly Tensor[],
  row: number,
  writer: JsonWriter,
): void {
  switch (plan.type) {
    case 'classification':
      return printClassification(tensors, row, writer);
    case 'detection':
      return printDetection(tensors, row, writer);
    case 'ctc':
      return printCtc(tensors, row, writer);
    case 'rerank':
      return printRerank(tensors, row, writer);
    case 'tokens':
      return printTokens(tensors, row, writer);
    case 'embedding':
    case 'raw':
      return printRaw(tensors, row, writer);
  }
}

/** Those of the finished tensors that are of one declared output. */
export function tensorsOf(plan: OutputPlan, tensors: readonly Tensor[]): Tensor[] {
  return tensors.filter(({ name }) => name === plan.name || name.startsWith(`${plan.name}.`));
}
