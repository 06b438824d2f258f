import { elementCount } from '../tensors/shape';
import type { Tensor, TensorSpec } from '../tensors/tensor';
import type { InputContext, PreparedRun } from './prepared';

/** Does the model take one row at a time, and no other number? */
export function takesOneRow(inputs: readonly TensorSpec[]): boolean {
  return inputs.length > 0 && inputs.every(({ shape }) => shape[0] === 1);
}

/** A run for each row. */
export function singleRows(run: PreparedRun): PreparedRun[] {
  const rows = run.tensors[0]?.shape[0] ?? 1;
  if (rows === 1) return [run];
  return Array.from({ length: rows }, (_, row) => ({
    tensors: run.tensors.map((tensor) => rowOf(tensor, row)),
    contexts: run.contexts.map((context) => contextOf(context, row)),
    rows: [run.rows?.[row] ?? row],
    padding: run.padding,
  }));
}

function rowOf({ name, datatype, shape, data }: Tensor, row: number): Tensor {
  const own = [1, ...shape.slice(1)];
  const size = elementCount(own);
  return { name, datatype, shape: own, data: data.slice(row * size, (row + 1) * size) };
}

function contextOf(context: InputContext, row: number): InputContext {
  if (context.type === 'image') return { ...context, frames: context.frames.slice(row, row + 1) };
  const { lengths, isTruncated, tokens } = context;
  return {
    ...context,
    lengths: lengths.slice(row, row + 1),
    isTruncated: isTruncated.slice(row, row + 1),
    tokens: tokens?.slice(row, row + 1),
  };
}
