import { type Key, type KeyTable, readKeys } from '../config/yaml/readers';
import type { JsonObject, JsonValue } from '../config/yaml/json-value';
import type { TensorSpec } from '../tensors/tensor';
import type { AssetFiles } from './assets';
import type { OptionName } from './options';

/** What a session takes and gives, against which a declaration is checked. */
export interface Signature {
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
}

/** Tells a fault of one declared input or output: `must be ...`, without its name. */
export type TellFault = (fault: string) => void;

/** A value that the declaration leaves out, and who gave it: the default, or the model. */
export interface FilledIn {
  readonly key: string;
  readonly value: JsonValue;
  readonly from: 'default' | 'model';
}

export interface Bound<Plan> {
  readonly plan: Plan;
  readonly filledIn: readonly FilledIn[];
}

/** A declared input or output whose keys are sound; `bind` checks them against a session. */
export interface ReadDeclaration<Plan> {
  /** Files that it names, which the model's digest covers. */
  readonly assets: readonly string[];
  /** The plan for a session of this signature; undefined after a fault. */
  bind(signature: Signature, assets: AssetFiles, fault: TellFault): Promise<Bound<Plan> | undefined>;
}

/** A `type:` of `input:` or `output:` in `model.yaml`. */
export interface DeclaredType<Plan> {
  readonly type: string;
  /** What a request may ask of it. */
  readonly options: readonly OptionName[];
  /** Reads the keys, all but `type`; every fault is listed. */
  read(name: string, keys: JsonObject, faults: string[]): ReadDeclaration<Plan>;
}

/** What a type brings; its settings are its own business. */
export interface TypeParts<Settings extends object, Plan extends object> {
  readonly type: string;
  readonly options: readonly OptionName[];
  readonly keys: KeyTable<Settings>;
  assets(settings: Settings): readonly string[];
  /** @throws model_unavailable when an asset cannot be read */
  bind(
    name: string,
    settings: Settings,
    signature: Signature,
    assets: AssetFiles,
    fault: TellFault,
  ): Promise<Plan | undefined>;
}

export function declaredType<Settings extends object, Plan extends object>(
  parts: TypeParts<Settings, Plan>,
): DeclaredType<Plan> {
  return {
    type: parts.type,
    options: parts.options,
    read(name, keys, faults) {
      const before = faults.length;
      const settings = readKeys(keys, parts.keys, faults);
      const isSound = faults.length === before;
      return {
        assets: isSound ? parts.assets(settings) : [],
        async bind(signature, assets, fault) {
          const plan = await parts.bind(name, settings, signature, assets, fault);
          return plan && { plan, filledIn: filledIn(plan, keys, parts.keys) };
        },
      };
    },
  };
}

/** What a plan has for keys that were not given: as far as it is a single value, or a tensor, which has a name. */
function filledIn<Settings extends object, Plan extends object>(
  plan: Plan,
  given: JsonObject,
  table: KeyTable<Settings>,
): FilledIn[] {
  const values = plan as Readonly<Record<string, unknown>>;
  return Object.entries<Key<unknown>>(table).flatMap(([field, { key, fallback }]) => {
    if (Object.hasOwn(given, key)) return [];
    const value = shown(values[field]);
    return value === undefined ? [] : [{ key, value, from: fallback === undefined ? 'model' : 'default' }];
  });
}

function shown(value: unknown): JsonValue | undefined {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
  if (typeof value !== 'object' || value === null || !('name' in value)) return undefined;
  return typeof value.name === 'string' ? value.name : undefined;
}

/** The session's tensor that a declaration means: the one it names, or the only one. */
export function tensorMeant(
  wanted: string | undefined,
  tensors: readonly TensorSpec[],
  key: 'to' | 'from',
  fault: TellFault,
): TensorSpec | undefined {
  const what = key === 'to' ? 'input' : 'output';
  const names = tensors.map(({ name }) => name).join(', ');
  if (wanted === undefined) {
    if (tensors.length === 1) return tensors[0];
    fault(`${key}: must name one of the model's ${what}s, which are ${names}`);
    return undefined;
  }
  const found = tensors.find(({ name }) => name === wanted);
  if (found === undefined) fault(`${key}: the model has no ${what} ${wanted}; its ${what}s are ${names}`);
  return found;
}
