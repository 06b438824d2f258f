import type { SmallGraph } from './graph-models';

/** No figure of time decides in specs: it would be the machine's. */
export const ANY_SPEED = ['--require', 'speed>=0'];

const PICTURE = ['N', 4, 8, 8];
/** A convolution, a HardSwish of its parts, a factor, another convolution, and the mean of each channel. */
export const SWISH: SmallGraph = {
  steps: [
    ['Conv', ['x', 'w1'], ['c']],
    ['Add', ['c', 'three'], ['a']],
    ['Clip', ['a', 'zero', 'six'], ['b']],
    ['Mul', ['c', 'b'], ['m']],
    ['Div', ['m', 'six'], ['s']],
    ['Mul', ['s', 'half'], ['f']],
    ['Conv', ['f', 'w2'], ['d']],
    ['ReduceMean', ['d'], ['y'], { axes: [2, 3], keepdims: 0 }],
  ],
  inputs: { x: PICTURE },
  outputs: { y: ['N', 4] },
  floats: {
    three: [[], 3],
    six: [[], 6],
    zero: [[], 0],
    half: [[], 0.5],
    w1: [[4, 4, 1, 1], Float32Array.from({ length: 16 }, (_, i) => Math.sin(i))],
    w2: [[4, 4, 1, 1], Float32Array.from({ length: 16 }, (_, i) => Math.cos(i))],
  },
};
