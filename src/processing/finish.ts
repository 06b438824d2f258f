import type { JsonWriter } from '../tensors/json/json-writer';
import type { Datatype } from '../tensors/datatype';
import type { Tensor, TensorSpec } from '../tensors/tensor';
import { finishClassification, printClassification } from './outputs/classification';
import { finishCtc, printCtc } from './outputs/ctc';
import { finishDetection, printDetection } from './outputs/detection';
import { finishEmbedding } from './outputs/embedding';
import { finishMask, maskSpecs, printMask } from './outputs/mask';
import type { Finishing } from './outputs/output-type';
import { finishRaw, printRaw } from './outputs/raw';
import { finishRegression, printRegression, regressionSpecs } from './outputs/regression';
import { finishRerank, printRerank } from './outputs/rerank';
import { finishTokens, printTokens } from './outputs/tokens';
import { inputFacts } from './input-facts';
import type { RequestOptions } from './options';
import type { OutputPlan } from './plans';

type PlanOf<Type extends OutputPlan['type']> = Extract<OutputPlan, { readonly type: Type }>;

/** What becomes of a kind of output behind the model's run. */
interface Finisher<Plan extends OutputPlan> {
  readonly finish: (plan: Plan, finishing: Finishing) => Tensor[];
  /** What `finish` gives, in its order. @param outputs the model's own */
  readonly specs: (plan: Plan, outputs: readonly TensorSpec[]) => TensorSpec[];
  /** Writes one row of what `finish` made, as the native API answers it. */
  readonly print: (tensors: readonly Tensor[], row: number, writer: JsonWriter, plan: Plan) => void;
}

const FINISHERS: { readonly [Type in OutputPlan['type']]: Finisher<PlanOf<Type>> } = {
  classification: {
    finish: finishClassification,
    specs: ({ name }) => [spec(name, 'BYTES', -1, -1), spec(`${name}.scores`, 'FP32', -1, -1)],
    print: printClassification,
  },
  ctc: {
    finish: finishCtc,
    specs: ({ name }) => [spec(name, 'BYTES', -1), spec(`${name}.scores`, 'FP32', -1)],
    print: printCtc,
  },
  detection: {
    finish: finishDetection,
    specs: ({ name }) => [
      spec(name, 'BYTES', -1),
      spec(`${name}.scores`, 'FP32', -1),
      spec(`${name}.boxes`, 'FP32', -1, 4),
      spec(`${name}.counts`, 'INT64', -1),
    ],
    print: printDetection,
  },
  tokens: {
    finish: finishTokens,
    specs: ({ name }) => [
      spec(name, 'BYTES', -1),
      spec(`${name}.text`, 'BYTES', -1),
      spec(`${name}.scores`, 'FP32', -1),
      spec(`${name}.spans`, 'INT32', -1, 2),
      spec(`${name}.counts`, 'INT64', -1),
    ],
    print: printTokens,
  },
  embedding: {
    finish: finishEmbedding,
    specs: ({ name }) => [spec(name, 'FP32', -1, -1)],
    print: printRaw,
  },
  regression: { finish: finishRegression, specs: regressionSpecs, print: printRegression },
  mask: { finish: finishMask, specs: maskSpecs, print: printMask },
  rerank: {
    finish: finishRerank,
    specs: ({ name }) => [spec(name, 'FP32', -1)],
    print: printRerank,
  },
  raw: {
    finish: finishRaw,
    specs: ({ name, from }, outputs) =>
      outputs.filter((output) => output.name === from).map((output) => ({ ...output, name })),
    print: printRaw,
  },
};

function finisherOf(plan: OutputPlan): Finisher<OutputPlan> {
  return FINISHERS[plan.type] as Finisher<OutputPlan>;
}

/**
 * The tensors of one declared output: what the cache keeps and the Open Inference Protocol answers. They have the
 * output's name, or are `<name>.<what>`.
 */
export function finishOutput(plan: OutputPlan, finishing: Finishing): Tensor[] {
  return finisherOf(plan).finish(plan, finishing);
}

/**
 * The tensors that `finishOutput` gives, in their order.
 * @param outputs the model's own
 */
export function outputSpecs(plan: OutputPlan, outputs: readonly TensorSpec[]): TensorSpec[] {
  return finisherOf(plan).specs(plan, outputs);
}

/** More classes of a row than these are sorted as a whole. */
const MANY_CLASSES = 32;

/** How much longer an element of the model's outputs takes to be finished than one that is but looked at. */
export function finishingWeight(plans: readonly OutputPlan[], { top_k: topK }: RequestOptions): number {
  const weights = plans.map((plan) => {
    switch (plan.type) {
      // It is as large as its picture, however small the model's output is.
      case 'mask':
        return Infinity;
      // Each box may be compared with all others.
      case 'detection':
        return 16;
      case 'classification':
        return (topK ?? plan.topK) > MANY_CLASSES ? 16 : 4;
      default:
        return 1;
    }
  });
  return Math.max(1, ...weights);
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
  finisherOf(plan).print(tensors, row, writer, plan);
}

/** Those of the finished tensors that are of one declared output. */
export function tensorsOf(plan: OutputPlan, tensors: readonly Tensor[]): Tensor[] {
  return tensors.filter(({ name }) => name === plan.name || name.startsWith(`${plan.name}.`));
}

function spec(name: string, datatype: Datatype, ...shape: number[]): TensorSpec {
  return { name, datatype, shape };
}
