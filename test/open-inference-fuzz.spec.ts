import { binaryBody, jsonBody, MIXED, spec, tensorBytes, type V2Body, X } from './helpers/v2-bodies';
import { DomainError, ERRORS } from '../src/errors/domain-error';
import { seededRandom } from './helpers/seeded-random';
import type { V2Model } from '../src/protocols/open-inference/v2-call';
import { decodeV2 } from '../src/protocols/open-inference/v2.codec';

/** How many bodies; `V2_FUZZ_RUNS` for more. */
const RUNS = Number(process.env.V2_FUZZ_RUNS ?? 20_000);
const SEED = Number(process.env.V2_FUZZ_SEED ?? 20_261_122);

const IMAGE = {
  name: 'image',
  shape: [2, 2],
  datatype: 'FP32',
  data: [
    [1, 2.5],
    [-3e-7, 1.7976931348623157],
  ],
};
const FLAGS = { name: 'flags', shape: [3], datatype: 'BOOL', data: [true, false, true] };
const TEXT = { name: 'text', shape: [2, 1], datatype: 'BYTES', data: ['né\n', ''] };
const binary = (
  { data: _, ...input }: typeof IMAGE | typeof FLAGS | typeof TEXT,
  sizeBytes: number,
): object => ({
  ...input,
  parameters: { binary_data_size: sizeBytes },
});

const SEEDS: [V2Model, V2Body][] = [
  [MIXED, jsonBody({ id: '7', parameters: { priority: 3, timeout: 5000 }, inputs: [IMAGE, FLAGS, TEXT] })],
  [
    MIXED,
    binaryBody(
      {
        inputs: [binary(TEXT, 12), FLAGS, binary(IMAGE, 16)],
        outputs: [{ name: 'y', parameters: { binary_data: true } }],
      },
      [tensorBytes(['né\n', '']), tensorBytes(Float32Array.of(1, 2, 3, 4))],
    ),
  ],
  [
    { inputs: [spec('x', 'FP32', [-1, 2])], outputs: [] },
    { ...jsonBody({ inputs: [X] }), headerLength: undefined },
  ],
  [
    { inputs: [spec('x', 'INT64', [-1, -1])], outputs: [] },
    { body: Buffer.alloc(64, 3), headerLength: 0 },
  ],
];

const TOKENS = [
  '"',
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '-1',
  '0',
  '1e999',
  '99999999999999999999',
  'null',
  'true',
  '"data"',
  '"shape"',
  '\\u',
  '\ud800',
  'NaN',
];

/** A body with some bytes changed, removed, repeated or put in, and sometimes another header. */
function mutate({ body, headerLength }: V2Body, random: (below: number) => number): V2Body {
  let bytes = Buffer.from(body);
  for (let i = random(4); i >= 0; i--) {
    const at = random(bytes.length + 1);
    const length = random(Math.min(24, bytes.length - at + 1));
    const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)];
    switch (random(6)) {
      case 0:
        if (at < bytes.length) bytes[at] = random(256);
        break;
      case 1:
        bytes = Buffer.concat([before, after.subarray(length)]);
        break;
      case 2:
        bytes = Buffer.concat([before, after.subarray(0, length), after]);
        break;
      case 3:
        bytes = Buffer.concat([before, Buffer.from(TOKENS[random(TOKENS.length)]!), after]);
        break;
      case 4:
        bytes = Buffer.concat([before, Buffer.from(TOKENS[random(TOKENS.length)]!), after.subarray(length)]);
        break;
      case 5:
        bytes = Buffer.from(before);
        break;
    }
    if (bytes.length === 0) bytes = Buffer.alloc(1, random(256));
  }
  const headers = [headerLength, headerLength, headerLength, undefined, 0, random(bytes.length + 9), 2 ** 50];
  return { body: bytes, headerLength: headers[random(headers.length)] };
}

describe('mutated bodies', () => {
  it(`are taken or refused with a reason, whatever they are (${RUNS} from seed ${SEED})`, () => {
    const random = seededRandom(SEED);
    const outcomes = { taken: 0, refused: 0 };
    for (let run = 0; run < RUNS; run++) {
      const [model, seed] = SEEDS[random(SEEDS.length)]!;
      const { body, headerLength } = mutate(seed, random);
      try {
        const { inputs } = decodeV2(body, headerLength, model);
        outcomes.taken++;
        for (const { shape, data } of inputs) {
          if (data.length !== shape.reduce((product, size) => product * size, 1))
            throw new Error('wrong length');
        }
      } catch (error) {
        const isRefusal =
          error instanceof DomainError && ERRORS[error.code].status < 500 && error.message !== '';
        if (!isRefusal) {
          const how = `run ${run}, header ${headerLength}, body ${body.toString('base64')}`;
          throw new Error(how, { cause: error });
        }
        outcomes.refused++;
      }
    }
    // A fuzz that takes or refuses everything tests nothing.
    expect(Math.min(outcomes.taken, outcomes.refused)).toBeGreaterThan(RUNS / 100);
  });
});
