import type { JsonWriter } from '../tensors/json/json-writer';
import type { Tensor } from '../tensors/tensor';
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

/** The names of the tensors that `finishOutput` gives. */
export function outputNames({ type, name }: OutputPlan): string[] {
  switch (type) {
    case 'classification':
    case 'ctc':
      return [name, `${name}.scores`];
    case 'detection':
      return [name, `${name}.scores`, `${name}.boxes`, `${name}.counts`];
    case 'tokens':
      return [name, `${name}.text`, `${name}.scores`, `${name}.spans`, `${name}.counts`];
    case 'embedding':
    case 'rerank':
    case 'raw':
      return [name];
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
