import type { Model } from './onnx/model';
import { groupsOf, type Joining, type Row, together, ZEROS_BEHIND } from './rows';
import { Session, type Settings } from './session';
import type { Tensor } from '../../tensors/tensor';

/** What a value was seen to be. */
export interface Seen {
  readonly low: number;
  readonly high: number;
  /** The largest magnitude of each place of its last axis. */
  readonly magnitudes: Float32Array;
}

/** Values that a run gives at the same time. */
const MOST_BYTES = 256 * 2 ** 20;
const TOGETHER = 8;

interface Observation {
  /** Where the model that gives them may be written. */
  readonly file: string;
  readonly rows: readonly Row[];
  readonly settings: Settings;
  readonly joining: Joining | undefined;
  readonly stop: AbortSignal;
}

/** Runs a model on rows, and notes what some of its values are. */
export async function observe(
  model: Model,
  names: readonly string[],
  about: Observation,
): Promise<Map<string, Seen>> {
  const seen = new Map<string, Seen>();
  const { rows, joining } = about;
  const note = (tensors: readonly Tensor[], wanted: ReadonlySet<string>): void => {
    for (const tensor of tensors)
      if (wanted.has(tensor.name) && tensor.datatype === 'FP32')
        seen.set(tensor.name, seenIn(tensor, seen.get(tensor.name)));
  };
  const groups = groupsOf(rows, TOGETHER, joining).map((group) => together(group, joining ?? ZEROS_BEHIND));
  const given = new Set(names.filter((name) => model.inputs.includes(name)));
  for (const group of groups) note(group, given);
  const inner = names.filter((name) => !given.has(name));
  const [first] = rows;
  if (inner.length === 0 || first === undefined) return seen;
  const sizes = await outputsOf(model, inner, about, async (session) => {
    const outputs = await session.run(first);
    return new Map(outputs.map(({ name, data }) => [name, data.length * 4 * TOGETHER]));
  });
  for (const part of parts(inner, sizes)) {
    const wanted = new Set(part);
    await outputsOf(model, part, about, async (session) => {
      for (const group of groups) note(await session.run(group), wanted);
    });
  }
  return seen;
}

async function outputsOf<Value>(
  model: Model,
  names: readonly string[],
  { file, settings, stop }: Observation,
  use: (session: Session) => Promise<Value>,
): Promise<Value> {
  await model.write(
    file,
    names.filter((name) => !model.outputs.includes(name)),
  );
  return Session.with(file, settings, stop, use, { graphOptimization: 'basic' });
}

/** As many at a time as memory is meant for. */
function parts(names: readonly string[], sizes: ReadonlyMap<string, number>): string[][] {
  const found: string[][] = [];
  let bytes = Infinity;
  for (const name of names) {
    const size = sizes.get(name) ?? 0;
    if (bytes + size > MOST_BYTES) {
      found.push([]);
      bytes = 0;
    }
    found.at(-1)!.push(name);
    bytes += size;
  }
  return found;
}

function seenIn({ shape, data }: Tensor, before: Seen | undefined): Seen {
  const width = shape.at(-1) ?? 1;
  const magnitudes = before?.magnitudes.length === width ? before.magnitudes : new Float32Array(width);
  let { low, high } = before ?? { low: Infinity, high: -Infinity };
  const values = data as Float32Array;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (value < low) low = value;
    if (value > high) high = value;
    const size = Math.abs(value);
    if (size > magnitudes[i % width]!) magnitudes[i % width] = size;
  }
  return { low, high, magnitudes };
}
