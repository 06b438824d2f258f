import { exchangeOf } from '../../http/testing/exchange-of';
import { DomainError } from '../../errors/domain-error';
import type { EncodedAnswer } from '../../http/body/content-encoding';
import type { InferenceResult } from '../../inference/inference-call';
import type { LoadedModel } from '../../models/loading/loaded-model';
import type { Tensor } from '../../tensors/tensor';
import type { Worksite } from '../http-call/json-thread';
import type { V2Call } from './v2-call';
import { v2ErrorBody, v2Protocol } from './v2.protocol';

describe('the urgency of an inference call', () => {
  const mayBeUrgent = (body: string, jsonBytes?: number): boolean => {
    const headers = { 'inference-header-content-length': jsonBytes?.toString() };
    return v2Protocol.mayBeUrgent(exchangeOf(headers), Buffer.from(body));
  };

  it('is told without decoding its tensors', () => {
    expect(mayBeUrgent('{"inputs":[],"parameters":{"priority":1}}')).toBe(true);
    expect(mayBeUrgent('{"inputs":[]}')).toBe(false);
  });

  it('is looked for in the JSON part alone', () => {
    const json = '{"inputs":[]}';
    expect(mayBeUrgent(`${json}"priority"`, json.length)).toBe(false);
    expect(mayBeUrgent('"priority"', 0)).toBe(false);
  });
});

describe('the headers of an inference call', () => {
  const check = (headers: Record<string, string | undefined>): void => v2Protocol.check(exchangeOf(headers));

  it.each([
    {},
    { 'content-type': 'application/json; charset=utf-8' },
    { 'content-type': 'application/octet-stream', 'inference-header-content-length': '12' },
    {
      'content-type': 'application/json',
      'inference-header-content-length': '0',
      accept: 'application/octet-stream',
    },
  ])('may be %j', (headers) => {
    expect(() => check(headers)).not.toThrow();
  });

  it.each(['', '-1', '+1', '1.5', '1e3', '0x10', ' 1', '1, 1', 'x', '9'.repeat(16)])(
    'are refused for the length %j',
    (length) => {
      expect(() => check({ 'inference-header-content-length': length })).toThrow(
        /Inference-Header-Content-Length/,
      );
    },
  );

  it('are refused for another content type, and for a client that accepts neither form', () => {
    expect(() => check({ 'content-type': 'text/plain' })).toThrow(/text\/plain/);
    expect(() => check({ accept: 'text/html' })).toThrow(/text\/html/);
  });
});

describe('the work of an answer', () => {
  const outputs: Tensor[] = [{ name: 'y', datatype: 'FP32', shape: [2, 50], data: new Float32Array(100) }];

  it.each([false, true])('counts what its best classes are sought in, in binary: %p', (isBinary) => {
    let workBytes = 0;
    const model = { name: 'm', version: '1', outputs: [{ ...outputs[0]!, shape: [-1, 50] }] };
    const call = { inputs: [], binaryOutputs: [isBinary], classes: [1] };
    // What is printed is short, however large the output.
    const work: Worksite = {
      mostJsonBytes: 100,
      run: (task, sizeBytes, args) => {
        workBytes = sizeBytes;
        return task.call(...args);
      },
    };
    const answer = v2Protocol.encode(
      exchangeOf({}),
      call as unknown as V2Call,
      model as unknown as LoadedModel,
      { outputs } as unknown as InferenceResult,
      work,
    ) as EncodedAnswer;
    expect(Buffer.concat(answer.body).toString()).toContain(isBinary ? '"binary_data_size":' : '"0:0","0:0"');
    expect(workBytes).toBeGreaterThan(400);
  });
});

it('words an error as the protocol does', () => {
  expect(v2ErrorBody(new DomainError('model_not_found', 'There is no model "x".'), 'id')).toEqual({
    error: 'There is no model "x".',
  });
});
