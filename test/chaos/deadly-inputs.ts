import { graphModel } from '../helpers/graph-models';
import { writeModel } from '../helpers/model-folder';
import { divideModel } from '../helpers/onnx-models';

/** A model whose runs some inputs make the end of the process. */
export const DEADLY = 'divide';

/** The least 64-bit number by -1 is a division that the processor refuses (SIGFPE). */
export const DEADLY_INPUT = {
  path: `/api/inference/${DEADLY}`,
  deadly: { a: ['-9223372036854775808'], b: [-1] },
  harmless: { a: [6], b: [3] },
};

const tensor = (name: string, shape: number[]): object => ({
  inputs: [{ name, datatype: 'FP32', shape, data: [] }],
});

/** TopK, GRU and ConvTranspose, each of which ends the process at an input without elements. */
export const EMPTY_INPUTS: readonly { path: string; body: object; statuses: readonly number[] }[] = [
  { path: '/v2/models/nearest/infer', body: tensor('x', [0, 4]), statuses: [200, 400] },
  { path: '/v2/models/recurrent/infer', body: tensor('x', [0, 5, 3]), statuses: [200, 400] },
  { path: '/v2/models/recurrent/infer', body: tensor('x', [1, 0, 3]), statuses: [400] },
  { path: '/v2/models/deconvolution/infer', body: tensor('x', [1, 2, 0]), statuses: [400] },
];

export function writeDeadlyModels(models: string): void {
  writeModel(models, DEADLY, divideModel());
  writeModel(
    models,
    'nearest',
    graphModel({
      steps: [['TopK', ['x', 'k'], ['y', 'i'], { axis: 1 }]],
      inputs: { x: ['N', 4] },
      outputs: { y: ['N', 2] },
      integers: { k: [2] },
    }),
  );
  writeModel(
    models,
    'recurrent',
    graphModel({
      steps: [
        ['Transpose', ['x'], ['t'], { perm: [1, 0, 2] }],
        ['GRU', ['t', 'w', 'r'], ['', 'last'], { hidden_size: 4 }],
        ['Squeeze', ['last', 'first'], ['y']],
      ],
      inputs: { x: ['N', 'T', 3] },
      outputs: { y: ['N', 4] },
      integers: { first: [0] },
      floats: { w: [[1, 12, 3], 0.1], r: [[1, 12, 4], 0.1] },
    }),
  );
  writeModel(
    models,
    'deconvolution',
    graphModel({
      steps: [['ConvTranspose', ['x', 'kernel'], ['y']]],
      inputs: { x: ['N', 2, 'H'] },
      outputs: { y: ['N', 3, 'H2'] },
      floats: { kernel: [[2, 3, 3], 1] },
    }),
  );
}
