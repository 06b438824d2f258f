import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { seededRandom } from '../../../../test/helpers/seeded-random';
import { FloatRuns } from './float-kernel';

const { assemble } = jest.requireActual<{
  assemble: (kernel: string) => Promise<string>;
}>('../../../../scripts/assemble-kernel.js');

const any = seededRandom(20);
const random = (): number => (any(2 ** 26) * 2 ** 27 + any(2 ** 27)) / 2 ** 53;
const sized = (): number => (2 * random() - 1) * 10 ** (any(16) - 8);

/** Every form in which numbers come, the plain ones and those that the kernel leaves to others. */
const FORMS: readonly (() => string)[] = [
  () => sized().toFixed(6),
  () => String(sized()),
  () => String(Math.fround(sized())),
  () => sized().toExponential(any(20)),
  () => sized().toPrecision(1 + any(21)),
  () => String(any(2 ** 31)),
  () => String(Math.round(random() * 1e6) / 1e6),
  () =>
    `${any(10)}.${String(any(10 ** 9))
      .padStart(9, '0')
      .repeat(any(3) + 1)}`,
  () => `${random() < 0.5 ? '-' : ''}0`,
  () => `${any(10)}E${random() < 0.5 ? '+' : ''}${any(40)}`,
  // Near the middle between two elements.
  () => ((Math.fround(sized()) + Math.fround(sized())) / 2).toPrecision(17),
];
const anyNumber = (): string => FORMS[any(FORMS.length)]!();
const anySpace = (): string => (random() < 0.9 ? '' : [' ', '\n', '\r\n', '\t  '][any(4)]!);

/** Reads an array's elements as far as the kernel does, and passes over the one at which it stops. */
function readAll(
  texts: readonly string[],
  separator: () => string = () => ',',
): { taken: number; bad: string[] } {
  const starts: number[] = [];
  let document = '[';
  for (const text of texts) {
    starts.push(document.length);
    document += text + separator();
  }
  const bytes = Buffer.from(`${document.slice(0, document.lastIndexOf(','))}]`);
  const runs = new FloatRuns(bytes, bytes.length);
  const elements = new Float32Array(texts.length);
  const bad: string[] = [];
  let taken = 0;
  for (let index = 0; index < texts.length; index++) {
    const count = runs.read(starts[index]!, elements, index);
    taken += count;
    for (let i = index; i < index + count; i++) {
      if (!Object.is(elements[i], Math.fround(Number(texts[i])))) bad.push(`${texts[i]}: ${elements[i]}`);
    }
    index += count;
    if (count > 0) expect(runs.position).toBe(starts[index - 1]! + texts[index - 1]!.length);
  }
  return { taken, bad };
}

describe('FloatRuns', () => {
  it('is assembled from its text', async () => {
    const assembled = await assemble('FLOAT_KERNEL');
    expect(readFileSync(join(__dirname, 'float-kernel.wasm.ts'), 'utf8')).toBe(assembled);
  });

  it('reads each number as the nearest float of its double, or leaves it', () => {
    const { taken, bad } = readAll(Array.from({ length: 200_000 }, anyNumber), () => `,${anySpace()}`);
    expect(bad).toEqual([]);
    expect(taken).toBeGreaterThan(150_000);
  });

  it.each([
    ['a digit, a point and six digits', 1, () => random().toFixed(6)],
    ['integers of one digit, more than it has room for at once', 1, () => String(any(10))],
    ['nine digits', 1, () => (20 * random() - 10).toPrecision(9)],
    ['doubles as clients print them', 0.99, () => String(2 * random() - 1)],
  ])('takes many windows full: %s', (_, share, next) => {
    const texts = Array.from({ length: 100_000 }, next);
    const { taken, bad } = readAll(texts);
    expect(bad).toEqual([]);
    expect(taken).toBeGreaterThanOrEqual(share * texts.length);
  });

  it.each([
    '01',
    '1.',
    '.5',
    '-',
    '+1',
    '1e',
    '1e+',
    'NaN',
    '"1"',
    'null',
    '',
    '1 ',
    '0x10',
    '1e400',
    '1e-50',
  ])('stops before %j', (text) => {
    const bytes = Buffer.from(`[0.25,${text},0.5]`);
    const elements = new Float32Array(3);
    const runs = new FloatRuns(bytes, bytes.length);
    expect(runs.read(1, elements, 0)).toBe(1);
    expect([...elements]).toEqual([0.25, 0, 0]);
    expect(bytes[runs.position]).toBe(','.charCodeAt(0));
  });

  it('reads no more elements than there is room for, and none behind the bracket', () => {
    const bytes = Buffer.from('[1.5,2.5,3.5],[4.5]]');
    const elements = new Float32Array(2);
    const runs = new FloatRuns(bytes, bytes.length);
    expect(runs.read(1, elements, 0)).toBe(2);
    const all = new Float32Array(9);
    expect(runs.read(1, all, 0)).toBe(3);
    expect(runs.position).toBe(12);
  });

  it('keeps documents apart that are read by turns', () => {
    const documents = [1, 2, 3].map((value) =>
      Buffer.from(`[${Array(50_000).fill(`${value}.5`).join(',')}]`),
    );
    const readers = documents.map((bytes) => new FloatRuns(bytes, bytes.length));
    const elements = new Float32Array(1);
    for (let position = 1; position < 190_000; position += 4 * 500) {
      for (const [index, runs] of readers.entries()) {
        expect(runs.read(position, elements, 0)).toBe(1);
        expect(elements[0]).toBe(index + 1.5);
      }
    }
  });
});
