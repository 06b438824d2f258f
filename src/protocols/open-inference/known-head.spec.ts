import { seededRandom } from '../../../test/helpers/seeded-random';
import { binaryBody, MIXED, refusal, spec, tensorBytes, type V2Body } from '../../../test/helpers/v2-bodies';
import type { V2Call, V2Model } from './v2-call';
import { decodeV2 } from './v2.codec';

/** The same model, of which no request has been seen. */
const unseen = ({ inputs, outputs }: V2Model): V2Model => ({ inputs: [...inputs], outputs: [...outputs] });

const outcome = ({ body, headerLength }: V2Body, model: V2Model): V2Call | Error => {
  try {
    return decodeV2(body, headerLength, model);
  } catch (error) {
    return error as Error;
  }
};

const MODEL: V2Model = {
  inputs: [spec('image', 'FP32', [-1, 2]), spec('flags', 'BOOL', [-1]), spec('text', 'BYTES', [-1, 1])],
  outputs: [spec('y', 'FP32', [-1]), spec('label', 'BYTES', [-1])],
};

interface Variation {
  readonly rows: number;
  /** Inputs in another order, and with it their bytes. */
  readonly turned: boolean;
  readonly parameters: object;
  readonly outputs: object | undefined;
  readonly id: string | undefined;
}

function request(variation: Variation, random: (below: number) => number, spoil: number): V2Body {
  const { rows, turned, parameters, outputs, id } = variation;
  const image = tensorBytes(Float32Array.from({ length: 2 * rows }, () => random(1000) / 8));
  // Now and then one that is neither true nor false.
  const flags = Buffer.from(Array.from({ length: rows }, () => (spoil === 1 ? 2 : random(2))));
  const text = tensorBytes(Array.from({ length: rows }, () => 'né'.repeat(random(3))));
  const input = (name: string, datatype: string, shape: number[], bytes: Buffer) => ({
    part: { name, datatype, shape, parameters: { binary_data_size: bytes.length } },
    bytes,
  });
  const inputs = [
    input('image', 'FP32', [rows, 2], image),
    input('flags', 'BOOL', [rows], flags),
    input('text', 'BYTES', [rows, 1], text),
  ];
  if (turned) inputs.reverse();
  const json = { id, parameters, inputs: inputs.map(({ part }) => part), outputs };
  const whole = binaryBody(
    json,
    inputs.map(({ bytes }) => bytes),
  );
  if (spoil === 2) return { ...whole, body: whole.body.subarray(0, -1) };
  if (spoil === 3) return { ...whole, body: Buffer.concat([whole.body, Buffer.of(0)]) };
  return whole;
}

describe('a request that begins as the one before it', () => {
  it('says what it would say to a model that has seen none', () => {
    const random = seededRandom(17);
    let repeated = 0;
    let last: string | undefined;
    for (let i = 0; i < 3000; i++) {
      const variation: Variation = {
        rows: 1 + random(2),
        turned: random(8) === 0,
        parameters: [{}, { priority: 1, timeout: 5000 }, { binary_data_output: true }][random(3)]!,
        outputs: [undefined, [{ name: 'label', parameters: { binary_data: true } }]][random(2)],
        id: random(10) === 0 ? `request ${random(2)}` : undefined,
      };
      // As most clients do, several times the same.
      for (let times = 1 + random(3); times > 0; times--) {
        const sent = request(variation, random, random(12));
        const head = sent.body.toString('latin1', 0, sent.headerLength);
        if (head === last) repeated++;
        last = head;
        expect(outcome(sent, MODEL)).toEqual(outcome(sent, unseen(MODEL)));
      }
    }
    expect(repeated).toBeGreaterThan(500);
  });

  it('is known although the memory of the first one was used again', () => {
    const model = unseen(MIXED);
    const same: Variation = { rows: 1, turned: false, parameters: {}, outputs: undefined, id: undefined };
    const first = request(same, () => 0, 0);
    const second = request(same, () => 0, 0);
    const before = decodeV2(first.body, first.headerLength, model);
    expect(before.inputs.map(({ shape }) => shape)).toEqual([[1, 2], [1], [1, 1]]);
    first.body.fill(0);
    expect(decodeV2(second.body, second.headerLength, model)).toEqual(
      decodeV2(second.body, second.headerLength, unseen(model)),
    );
    // What it begins with is what counts, and not that it is as long.
    const other = Buffer.from(second.body);
    other.write('[', 0);
    expect(refusal(() => decodeV2(other, second.headerLength, model))).toMatchObject({
      code: 'invalid_request',
    });
  });

  it('asks for the outputs that its own model has', () => {
    const inputs = [spec('x', 'FP32', [-1, 2])];
    const sent = binaryBody(
      {
        inputs: [{ name: 'x', shape: [1, 2], datatype: 'FP32', parameters: { binary_data_size: 8 } }],
        parameters: { binary_data_output: true },
      },
      [tensorBytes(Float32Array.of(1, 2))],
    );
    const one = decodeV2(sent.body, sent.headerLength, { inputs, outputs: [spec('y', 'FP32', [-1])] });
    const two = decodeV2(sent.body, sent.headerLength, {
      inputs,
      outputs: [spec('y', 'FP32', [-1]), spec('z', 'FP32', [-1])],
    });
    expect([one.binaryOutputs, two.binaryOutputs]).toEqual([[true], [true, true]]);
  });
});
