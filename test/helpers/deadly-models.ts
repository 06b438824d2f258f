import { graphModel } from './graph-models';

/** The last state of a recurrent network over x [N, T, 3]: as GRU or LSTM it ends the process at an input without elements. */
export function recurrentModel(operator: 'GRU' | 'LSTM' | 'RNN'): Uint8Array {
  const gates = { GRU: 3, LSTM: 4, RNN: 1 }[operator];
  return graphModel({
    steps: [
      ['Transpose', ['x'], ['t'], { perm: [1, 0, 2] }],
      [operator, ['t', 'w', 'r'], ['', 'last'], { hidden_size: 4 }],
      ['Squeeze', ['last', 'first'], ['y']],
    ],
    inputs: { x: ['N', 'T', 3] },
    outputs: { y: ['N', 4] },
    integers: { first: [0] },
    floats: { w: [[1, gates * 4, 3], 0.1], r: [[1, gates * 4, 4], 0.1] },
  });
}

/** The two largest of each row of x [N, 4], by TopK, which ends the process at an input without elements. */
export function nearestModel(): Uint8Array {
  return graphModel({
    steps: [['TopK', ['x', 'k'], ['y', 'i'], { axis: 1 }]],
    inputs: { x: ['N', 4] },
    outputs: { y: ['N', 2] },
    integers: { k: [2] },
  });
}

/** A ConvTranspose over x [N, 2, H], which ends the process at an input without elements. */
export function deconvolutionModel(): Uint8Array {
  return graphModel({
    steps: [['ConvTranspose', ['x', 'kernel'], ['y']]],
    inputs: { x: ['N', 2, 'H'] },
    outputs: { y: ['N', 3, 'H2'] },
    floats: { kernel: [[2, 3, 3], 1] },
  });
}
