import type { TensorSpec } from '../../tensors/tensor';
import { namedInputsOf } from '../../tensors/json/named-inputs';
import { findWarmUpInputs, type WarmUpInputs } from './warm-up-inputs';

const shapesOf = (inputs: WarmUpInputs): (readonly number[])[] => inputs.map(({ shape }) => shape);

/** A model that runs inputs of these shapes alone. */
function pickyModel(wanted: number[][]): { tried: WarmUpInputs[]; run(inputs: WarmUpInputs): Promise<void> } {
  const tried: WarmUpInputs[] = [];
  return {
    tried,
    run(inputs) {
      tried.push(inputs);
      const fits = JSON.stringify(shapesOf(inputs)) === JSON.stringify(wanted);
      return fits ? Promise.resolve() : Promise.reject(new Error(`no ${JSON.stringify(shapesOf(inputs))}`));
    },
  };
}

describe('findSample', () => {
  it('makes one row of zeros, empty strings and false', async () => {
    const specs: TensorSpec[] = [
      { name: 'image', datatype: 'FP32', shape: [-1, 2] },
      { name: 'text', datatype: 'BYTES', shape: [-1] },
      { name: 'flag', datatype: 'BOOL', shape: [] },
    ];
    expect(await findWarmUpInputs(specs, undefined, () => Promise.resolve())).toEqual({
      sample: [
        { name: 'image', datatype: 'FP32', shape: [1, 2], data: new Float32Array(2) },
        { name: 'text', datatype: 'BYTES', shape: [1], data: [''] },
        { name: 'flag', datatype: 'BOOL', shape: [], data: new Uint8Array(1) },
      ],
    });
  });

  it('tries sizes for what the model leaves open', async () => {
    const specs: TensorSpec[] = [{ name: 'x', datatype: 'FP32', shape: [-1, 3, -1, -1] }];
    const model = pickyModel([[1, 3, 64, 64]]);
    expect(await findWarmUpInputs(specs, undefined, (inputs) => model.run(inputs))).toMatchObject({
      sample: [{ shape: [1, 3, 64, 64] }],
    });
  });

  it('finds the rows of a recurrent state behind its layers', async () => {
    const specs: TensorSpec[] = [
      { name: 'input', datatype: 'FP32', shape: [-1, -1] },
      { name: 'state', datatype: 'FP32', shape: [2, -1, 16] },
    ];
    const model = pickyModel([
      [1, 32],
      [2, 1, 16],
    ]);
    const found = await findWarmUpInputs(specs, undefined, (inputs) => model.run(inputs));
    expect(found).toMatchObject({ sample: [{ shape: [1, 32] }, { shape: [2, 1, 16] }] });
  });

  it('tries nothing else than the sample that is given', async () => {
    const specs: TensorSpec[] = [{ name: 'x', datatype: 'FP32', shape: [-1, -1] }];
    const given = namedInputsOf({ x: [[1, 2, 3]] }, specs);
    const model = pickyModel([[1, 4]]);
    expect(await findWarmUpInputs(specs, given, (inputs) => model.run(inputs))).toEqual({
      reason: 'no [[1,3]]',
    });
    expect(model.tried).toEqual([given]);
  });

  it('says why when the model runs nothing', async () => {
    const specs: TensorSpec[] = [{ name: 'x', datatype: 'FP32', shape: [-1] }];
    const run = (): Promise<never> => Promise.reject(new Error('never'));
    expect(await findWarmUpInputs(specs, undefined, run)).toEqual({ reason: 'never' });
  });
});
