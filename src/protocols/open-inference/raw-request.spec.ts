import { MIXED, only, PLAIN, refusal, spec } from '../../../test/helpers/v2-bodies';
import type { ErrorCode } from '../../errors/domain-error';
import type { Tensor, TensorSpec } from '../../tensors/tensor';
import { decodeV2 } from './v2.codec';

describe('a request without JSON', () => {
  const raw = (body: Buffer, ...inputs: TensorSpec[]): Tensor =>
    only(decodeV2(body, 0, { inputs, outputs: MIXED.outputs }));

  it('asks for all outputs in binary', () => {
    const call = decodeV2(Buffer.alloc(8), 0, { ...PLAIN, outputs: MIXED.outputs });
    expect(call).toMatchObject({ id: undefined, outputs: undefined, binaryOutputs: [true, true] });
  });

  it.each([
    ['a row of a batch', [-1, 2], 8, [1, 2]],
    ['a shape without open dimensions', [2, 2], 16, [2, 2]],
    ['one open dimension in a row', [-1, -1], 12, [1, 3]],
    ['one open dimension', [-1], 12, [3]],
    ['one open dimension of none', [-1], 0, [0]],
    ['a scalar', [], 4, []],
  ])('is %s', (_, declared, sizeBytes, shape) => {
    expect(raw(Buffer.alloc(sizeBytes), spec('x', 'FP32', declared))).toMatchObject({ shape });
  });

  it('is one text for BYTES', () => {
    expect(raw(Buffer.from('né'), spec('t', 'BYTES', [-1, 1]))).toEqual({
      name: 't',
      datatype: 'BYTES',
      shape: [1, 1],
      data: ['né'],
    });
    expect(raw(Buffer.alloc(0), spec('t', 'BYTES', [-1]))).toMatchObject({ shape: [1], data: [''] });
  });

  it.each<[string, TensorSpec[], Buffer, ErrorCode, RegExp]>([
    ['several inputs', [...MIXED.inputs], Buffer.alloc(8), 'invalid_request', /one input/],
    ['no input', [], Buffer.alloc(8), 'invalid_request', /one input/],
    [
      'several open dimensions',
      [spec('x', 'FP32', [-1, -1, -1])],
      Buffer.alloc(8),
      'invalid_request',
      /more than one open/,
    ],
    ['missing bytes', [spec('x', 'FP32', [-1, 2])], Buffer.alloc(7), 'shape_mismatch', /7 bytes/],
    ['left-over bytes', [spec('x', 'FP32', [-1, 2])], Buffer.alloc(16), 'shape_mismatch', /16 bytes/],
    ['half an element', [spec('x', 'FP32', [-1])], Buffer.alloc(7), 'shape_mismatch', /7 bytes/],
    [
      'an open dimension beside none',
      [spec('x', 'FP32', [0, -1])],
      Buffer.alloc(8),
      'shape_mismatch',
      /8 bytes/,
    ],
    [
      'several elements of BYTES',
      [spec('t', 'BYTES', [-1, 2])],
      Buffer.from('a'),
      'shape_mismatch',
      /one element/,
    ],
    ['BYTES that are not text', [spec('t', 'BYTES', [1])], Buffer.of(0xff), 'wrong_datatype', /UTF-8/],
    ['a BOOL of 2', [spec('b', 'BOOL', [-1])], Buffer.of(2), 'out_of_range', /0 or 1/],
  ])('is refused for %s', (_, inputs, body, code, message) => {
    const fault = refusal(() => raw(body, ...inputs));
    expect(fault).toMatchObject({ code });
    expect(fault.message).toMatch(message);
  });
});
