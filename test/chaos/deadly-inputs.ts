import { deconvolutionModel, nearestModel, recurrentModel } from '../helpers/deadly-models';
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
  writeModel(models, 'nearest', nearestModel());
  writeModel(models, 'recurrent', recurrentModel('GRU'));
  writeModel(models, 'deconvolution', deconvolutionModel());
}
