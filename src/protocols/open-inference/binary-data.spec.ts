import {
  binaryBody,
  jsonBody,
  MIXED,
  only,
  PLAIN,
  refusal,
  spec,
  tensorBytes,
  X,
} from '../../../test/helpers/v2-bodies';
import type { ErrorCode } from '../../errors/domain-error';
import type { V2Model } from './v2-call';
import { decodeV2 } from './v2.codec';

describe('a request with binary data', () => {
  const binary = (sizeBytes: number): object => ({
    name: 'x',
    shape: [1, 2],
    datatype: 'FP32',
    parameters: { binary_data_size: sizeBytes },
  });
  const BYTES = tensorBytes(Float32Array.of(1.5, -2));

  it('has its tensors in the order in which the JSON names them, beside others in JSON', () => {
    const text = tensorBytes(['né', '𝄞!']);
    const { body, headerLength } = binaryBody(
      {
        inputs: [
          { name: 'text', shape: [2, 1], datatype: 'BYTES', parameters: { binary_data_size: text.length } },
          { name: 'flags', shape: [2], datatype: 'BOOL', data: [true, false] },
          { ...binary(8), name: 'image' },
        ],
      },
      [text, BYTES],
    );
    const { inputs } = decodeV2(body, headerLength, MIXED);
    expect(inputs.map(({ data }) => data)).toEqual([
      Float32Array.of(1.5, -2),
      Uint8Array.of(1, 0),
      ['né', '𝄞!'],
    ]);
  });

  it('is read wherever its bytes lie, without a copy where that is possible', () => {
    const shared = new Set<boolean>();
    for (let misalign = 0; misalign < 4; misalign++) {
      const { body, headerLength } = binaryBody({ inputs: [binary(8)] }, [BYTES], misalign);
      const { data } = only(decodeV2(body, headerLength, PLAIN));
      expect(data).toEqual(Float32Array.of(1.5, -2));
      shared.add((data as Float32Array).byteOffset === body.byteOffset + headerLength!);
    }
    expect(shared).toEqual(new Set([true, false]));
  });

  it('may have a header without any binary data, and tensors without bytes', () => {
    const { body } = jsonBody({ inputs: [X] });
    expect(only(decodeV2(body, body.length, PLAIN)).data).toEqual(Float32Array.of(1.5, -2));
    const empty = binaryBody({ inputs: [{ ...binary(0), shape: [0, 2] }] }, []);
    expect(only(decodeV2(empty.body, empty.headerLength, PLAIN))).toMatchObject({
      shape: [0, 2],
      data: new Float32Array(),
    });
  });

  it.each<[string, object, Buffer, (length: number) => number | undefined, ErrorCode, RegExp]>([
    [
      'a header beyond the body',
      { inputs: [binary(8)] },
      BYTES,
      (n) => n + 9,
      'body_truncated',
      /has \d+ bytes/,
    ],
    [
      'a header that takes bytes of a tensor',
      { inputs: [binary(8)] },
      BYTES,
      (n) => n + 1,
      'body_truncated',
      /only 7 bytes/,
    ],
    [
      'a header that ends within the JSON',
      { inputs: [binary(8)] },
      BYTES,
      (n) => n - 1,
      'invalid_json',
      /ended early/,
    ],
    [
      'no header',
      { inputs: [binary(8)] },
      BYTES,
      () => undefined,
      'invalid_request',
      /Inference-Header-Content-Length/,
    ],
    [
      'missing bytes',
      { inputs: [binary(8)] },
      BYTES.subarray(1),
      (n) => n,
      'body_truncated',
      /8.*only 7 bytes/,
    ],
    [
      'left-over bytes',
      { inputs: [binary(8)] },
      Buffer.concat([BYTES, BYTES]),
      (n) => n,
      'invalid_request',
      /8 bytes that belong to no input/,
    ],
    [
      'bytes for nobody',
      { inputs: [X] },
      BYTES,
      (n) => n,
      'invalid_request',
      /8 bytes that belong to no input/,
    ],
    [
      'a size that is not that of the shape',
      { inputs: [binary(7)] },
      BYTES,
      (n) => n,
      'shape_mismatch',
      /8 bytes.*has 7/,
    ],
    ['a size of zero', { inputs: [binary(0)] }, BYTES, (n) => n, 'shape_mismatch', /8 bytes.*has 0/],
    [
      'a size beyond the body',
      { inputs: [binary(2 ** 53 - 1)] },
      BYTES,
      (n) => n,
      'body_truncated',
      /only 8/,
    ],
    ['a negative size', { inputs: [binary(-8)] }, BYTES, (n) => n, 'invalid_request', /"binary_data_size"/],
    ['a broken size', { inputs: [binary(8.5)] }, BYTES, (n) => n, 'invalid_request', /"binary_data_size"/],
    [
      'data as well',
      { inputs: [{ ...X, ...binary(8), data: [1, 2] }] },
      BYTES,
      (n) => n,
      'invalid_request',
      /both/,
    ],
    [
      'an input twice, overlapping',
      { inputs: [binary(8), binary(8)] },
      BYTES,
      (n) => n,
      'invalid_request',
      /twice/,
    ],
  ])('is refused for %s', (_, request, part, headerOf, code, message) => {
    const { body, headerLength } = binaryBody(request, [part]);
    const fault = refusal(() => decodeV2(body, headerOf(headerLength!), PLAIN));
    expect(fault).toMatchObject({ code });
    expect(fault.message).toMatch(message);
  });

  it('is refused for a shape whose bytes nobody can have', () => {
    const input = { ...binary(8), shape: [2 ** 31 - 1, 2] };
    const { body, headerLength } = binaryBody({ inputs: [input] }, [BYTES]);
    expect(refusal(() => decodeV2(body, headerLength, PLAIN))).toMatchObject({ code: 'shape_mismatch' });
  });

  it('takes bytes of 0 and 1 for BOOL and refuses others', () => {
    const model = { inputs: [spec('b', 'BOOL', [-1])], outputs: [] };
    const input = { name: 'b', shape: [3], datatype: 'BOOL', parameters: { binary_data_size: 3 } };
    const good = binaryBody({ inputs: [input] }, [Buffer.of(0, 1, 1)]);
    expect(only(decodeV2(good.body, good.headerLength, model)).data).toEqual(Uint8Array.of(0, 1, 1));
    const bad = binaryBody({ inputs: [input] }, [Buffer.of(0, 2, 1)]);
    const fault = refusal(() => decodeV2(bad.body, bad.headerLength, model));
    expect(fault.message).toMatch(/element 1 is 2/);
  });

  const TEXT: V2Model = { inputs: [spec('t', 'BYTES', [-1])], outputs: [] };
  const textBody = (count: number, bytes: Buffer): ReturnType<typeof binaryBody> =>
    binaryBody(
      {
        inputs: [
          { name: 't', shape: [count], datatype: 'BYTES', parameters: { binary_data_size: bytes.length } },
        ],
      },
      [bytes],
    );

  it('takes BYTES that are any text', () => {
    const texts = ['', 'a', '\u0000', '\ufffd', '\ufeffb', 'ü'.repeat(300)];
    const { body, headerLength } = textBody(6, tensorBytes(texts));
    expect(only(decodeV2(body, headerLength, TEXT)).data).toEqual(texts);
  });

  it.each<[string, number, Buffer, ErrorCode, RegExp]>([
    ['a length beyond the end', 1, Buffer.of(5, 0, 0, 0, 1), 'body_truncated', /element 0 goes beyond/],
    ['a length of four gigabytes', 1, Buffer.of(255, 255, 255, 255, 1), 'body_truncated', /element 0/],
    ['a length that is cut', 2, Buffer.of(0, 0, 0, 0, 1, 0), 'body_truncated', /element 1/],
    ['too few elements', 2, Buffer.of(1, 0, 0, 0, 65), 'shape_mismatch', /2 elements.*has 1/],
    ['too many elements', 1, Buffer.of(1, 0, 0, 0, 65, 0, 0, 0, 0), 'shape_mismatch', /4 bytes beyond/],
    ['bytes for no elements', 0, Buffer.of(0, 0, 0, 0), 'shape_mismatch', /0 elements/],
    [
      'bytes that are not text',
      1,
      Buffer.of(2, 0, 0, 0, 0xc3, 0x28),
      'wrong_datatype',
      /element 0 is not UTF-8/,
    ],
  ])('is refused for BYTES with %s', (_, count, bytes, code, message) => {
    const { body, headerLength } = textBody(count, bytes);
    const fault = refusal(() => decodeV2(body, headerLength, TEXT));
    expect(fault).toMatchObject({ code });
    expect(fault.message).toMatch(message);
  });

  it('is refused for bytes that are not UTF-8 in its JSON part', () => {
    const body = Buffer.concat([Buffer.from('{"id":"'), Buffer.of(0xc3, 0x28), Buffer.from('"}')]);
    expect(refusal(() => decodeV2(body, body.length, PLAIN))).toMatchObject({ code: 'invalid_json' });
  });
});
