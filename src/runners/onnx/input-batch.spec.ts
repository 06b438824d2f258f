import type { DomainError } from '../../errors/domain-error';
import type { Tensor, TensorSpec } from '../../tensors/tensor';
import type { RequestInputs } from '../runner';
import { joinInputs, joinShapes } from './input-batch';

const SPECS: TensorSpec[] = [
  { name: 'x', datatype: 'FP32', shape: [-1, 2] },
  { name: 'text', datatype: 'BYTES', shape: [-1] },
];

function request(x: number[], text: string[]): RequestInputs {
  return [
    { name: 'x', datatype: 'FP32', shape: [x.length / 2, 2], data: new Float32Array(x) },
    { name: 'text', datatype: 'BYTES', shape: [text.length], data: text },
  ];
}

function join(batch: RequestInputs[]): { joined: Tensor[]; texts: ReturnType<typeof joinInputs> } {
  const [xShape = [], textShape = []] = joinShapes(SPECS, batch);
  const size = xShape.reduce((product, dimension) => product * dimension, 1);
  const joined: Tensor[] = [
    { name: 'x', datatype: 'FP32', shape: xShape, data: new Float32Array(size) },
    { name: 'text', datatype: 'BYTES', shape: textShape, data: [] },
  ];
  return { joined, texts: joinInputs(SPECS, batch, joined) };
}

function codeOf(batch: RequestInputs[]): string {
  try {
    join(batch);
    return 'accepted';
  } catch (error) {
    return (error as DomainError).code;
  }
}

describe('a batch of requests', () => {
  it('joins rows in the order of the requests', () => {
    const { joined, texts } = join([
      request([1, 2], ['a']),
      request([3, 4, 5, 6], ['b', 'c']),
      request([], []),
    ]);
    expect(joined[0]).toMatchObject({ shape: [3, 2], data: new Float32Array([1, 2, 3, 4, 5, 6]) });
    expect(joined[1]?.shape).toEqual([3]);
    expect(texts).toEqual([undefined, ['a', 'b', 'c']]);
  });

  it('takes a single request as it is, scalars too', () => {
    const specs: TensorSpec[] = [{ name: 's', datatype: 'INT64', shape: [] }];
    const scalar: Tensor = { name: 's', datatype: 'INT64', shape: [], data: new BigInt64Array([7n]) };
    expect(joinShapes(specs, [[scalar]])).toEqual([[]]);
    const joined = [{ ...scalar, data: new BigInt64Array(1) }];
    expect(joinInputs(specs, [[scalar]], joined)).toBeUndefined();
    expect(joined[0]?.data).toEqual(new BigInt64Array([7n]));
  });

  it('refuses an input with fewer elements than its shape says', () => {
    const [x, text] = request([1, 2], ['a']) as [Tensor, Tensor];
    expect(codeOf([[{ ...x, shape: [2, 2] }, text]])).toBe('shape_mismatch');
    expect(codeOf([[x, { ...text, shape: [2] }]])).toBe('shape_mismatch');
  });

  it('refuses rows of another width than those of the first request', () => {
    const wide: Tensor = { name: 'x', datatype: 'FP32', shape: [1, 3], data: new Float32Array(3) };
    expect(codeOf([request([1, 2], ['a']), [wide, ...request([], ['b']).slice(1)]])).toBe('shape_mismatch');
  });

  it('refuses a missing input, and text where numbers belong', () => {
    const [x, text] = request([1, 2], ['a']) as [Tensor, Tensor];
    expect(codeOf([[x]])).toBe('missing_input');
    expect(codeOf([[{ ...x, data: ['1', '2'] }, text]])).toBe('wrong_datatype');
    expect(codeOf([[x, { ...text, data: new Uint8Array(1) }]])).toBe('wrong_datatype');
  });

  it('refuses text that the runtime would cut', () => {
    expect(() => join([request([1, 2], ['fine']), request([1, 2], ['a\0b'])])).toThrow(
      "input 'text': element 0 contains a NUL character",
    );
  });
});
