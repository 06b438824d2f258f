import type { JsonValue } from '../config/yaml/json-value';
import type { AssetFiles } from './assets';
import { type Declaration, type Declared, throwFaults } from './declaration';
import type { TensorSpec } from '../tensors/tensor';
import type { Bound, DeclaredType, Signature } from './declared-type';
import { outputSpecs } from './finish';
import type { InputType } from './input-types';
import type { OptionName } from './options';
import type { InputPlan, OutputPlan } from './plans';

/**
 * Raised whenever a step's numbers change, so that no cache answers with the old ones.
 * @internal
 */
const STEPS = 2;

/**
 * What of a declaration changes the answers; empty where nothing is declared.
 * @internal
 */
export function contentOf({ inputs, outputs }: Declaration): string {
  if (inputs.length + outputs.length === 0) return '';
  const keysOf = ({ name, keys }: { readonly name: string; readonly keys: unknown }): unknown => [name, keys];
  return JSON.stringify([STEPS, inputs.map(keysOf), outputs.map(keysOf)]);
}

/** A value of the resolved declaration, and where it is from: a file, `default`, or `model`. */
export interface SourcedValue {
  readonly value: JsonValue;
  readonly from: string;
}

/** One declared input or output as it holds. */
export interface Resolved {
  readonly name: string;
  readonly type: string;
  readonly keys: Readonly<Record<string, SourcedValue>>;
}

/**
 * A model's declaration, held against its session: how raw inputs become tensors, and tensors answers.
 * @internal
 */
export interface Pipeline {
  /** None where the model declares outputs alone. */
  readonly inputs: readonly { readonly type: InputType; readonly plan: InputPlan }[];
  readonly outputs: readonly OutputPlan[];
  /** The tensors that the outputs are answered in. */
  readonly outputTensors: readonly TensorSpec[];
  /** What a request may ask for besides. */
  readonly options: readonly OptionName[];
  readonly resolved: { readonly input: readonly Resolved[]; readonly output: readonly Resolved[] };
}

/**
 * Checks a declaration against a session.
 * @returns undefined where nothing is declared
 * @throws model_unavailable, whose details list every fault
 * @internal
 */
export async function bindPipeline(
  declaration: Declaration,
  signature: Signature,
  assets: AssetFiles,
): Promise<Pipeline | undefined> {
  if (declaration.inputs.length + declaration.outputs.length === 0) return undefined;
  const faults: string[] = [];
  const inputs = await bindAll('input', declaration.inputs, signature, assets, faults);
  const outputs = await bindAll('output', declaration.outputs, signature, assets, faults);
  if (faults.length === 0 && inputs.length > 0) checkCovered(inputs, signature, faults);
  const wantsSpans = outputs.some(({ plan }) => plan.type === 'tokens');
  if (wantsSpans && !inputs.some(({ plan }) => plan.type === 'text')) {
    faults.push('output: tokens need an input of type text');
  }
  const isCropped = inputs.some(({ plan }) => plan.type === 'image' && plan.crop !== undefined);
  for (const { plan } of isCropped ? outputs : [])
    if (plan.type === 'mask' && plan.size === 'picture')
      faults.push(`output: ${plan.name}: size: the model sees but a crop of the picture; must be model`);
  throwFaults(faults);
  const plans = outputs.length > 0 ? outputs.map(({ plan }) => plan) : asTheyAre(signature);
  const options = new Set([...inputs, ...outputs].flatMap(({ type }) => type.options));
  return {
    inputs: inputs.map(({ type, plan }) => ({
      type,
      plan: plan.type === 'text' ? { ...plan, wantsSpans } : plan,
    })),
    outputs: plans,
    outputTensors: plans.flatMap((plan) => outputSpecs(plan, signature.outputs)),
    options: [...options],
    resolved: {
      input: inputs.map(({ resolved }) => resolved),
      output: outputs.map(({ resolved }) => resolved),
    },
  };
}

interface BoundDeclaration<Type, Plan> {
  readonly type: Type;
  readonly plan: Plan;
  readonly resolved: Resolved;
}

async function bindAll<Type extends DeclaredType<Plan>, Plan>(
  side: string,
  declared: readonly Declared<Type, Plan>[],
  signature: Signature,
  assets: AssetFiles,
  faults: string[],
): Promise<BoundDeclaration<Type, Plan>[]> {
  const bound: BoundDeclaration<Type, Plan>[] = [];
  for (const one of declared) {
    const fault = (text: string): void => void faults.push(`${side}: ${one.name}: ${text}`);
    const held = await one.read.bind(signature, assets, fault);
    if (held !== undefined) {
      bound.push({ type: one.type, plan: held.plan, resolved: resolvedOf(one, held) });
    }
  }
  return bound;
}

function resolvedOf<Type extends DeclaredType<Plan>, Plan>(
  { name, type, keys, sources }: Declared<Type, Plan>,
  { filledIn }: Bound<Plan>,
): Resolved {
  const given = Object.entries(keys)
    .filter(([key]) => key !== 'type')
    .map(([key, value]) => [key, { value, from: sources.get(key) ?? 'model.yaml' }] as const);
  const added = filledIn.map(({ key, value, from }) => [key, { value, from }] as const);
  return { name, type: type.type, keys: Object.fromEntries([...given, ...added]) };
}

/** Each of the model's inputs must come from one declared input. */
function checkCovered(
  inputs: readonly { readonly plan: InputPlan }[],
  signature: Signature,
  faults: string[],
): void {
  for (const { name } of signature.inputs) {
    const makers = inputs.filter(({ plan }) => plan.covers.includes(name)).map(({ plan }) => plan.name);
    if (makers.length === 0) faults.push(`input: nothing is declared for the model's input ${name}`);
    if (makers.length > 1)
      faults.push(`input: ${makers.join(' and ')} are both for the model's input ${name}`);
  }
}

/** Where no output is declared, the answer is the model's own. */
function asTheyAre({ outputs }: Signature): OutputPlan[] {
  return outputs.map(({ name }) => ({ type: 'raw', name, from: name }));
}
