import { JsonWriter } from '../../tensors/json/json-writer';
import type { Tensor } from '../../tensors/tensor';
import type { Signature } from '../declared-type';
import { finishOutput, printRow } from '../finish';
import type { RequestOptions } from '../options';
import type { ImageFrame } from '../prepared';
import { assetsOf } from '../testing/assets';
import { DETECTION, type DetectionPlan } from './detection';

const PLAN: DetectionPlan = {
  type: 'detection',
  name: 'objects',
  from: ['output0'],
  layout: 'yolov8',
  unit: 'pixel',
  score: 0.25,
  iou: 0.45,
  max: 300,
  labels: ['cat', 'dog'],
};

/** A picture of 200 x 100 in a tensor of 100 x 100, with 25 rows of padding above. */
const FRAME: ImageFrame = {
  width: 200,
  height: 100,
  scaleX: 0.5,
  scaleY: 0.5,
  left: 0,
  top: 25,
  tensorWidth: 100,
  tensorHeight: 100,
};

interface Thing {
  readonly label: string;
  readonly score: number;
  readonly box: readonly number[];
}

function floats(name: string, shape: readonly number[], values: readonly number[]): Tensor {
  return { name, datatype: 'FP32', shape, data: Float32Array.from(values) };
}

/** Boxes by middle, width, height and scores, in the order in which YOLO has them: one number of all boxes at a time. */
function yolo(...rows: readonly (readonly (readonly number[])[])[]): Tensor {
  const [first = []] = rows;
  const channels = first[0]?.length ?? 0;
  const values = rows.flatMap((boxes) =>
    Array.from({ length: channels }, (_, i) => boxes.map((box) => box[i]!)).flat(),
  );
  return floats('output0', [rows.length, channels, first.length], values);
}

function things(
  outputs: readonly Tensor[],
  plan: Partial<DetectionPlan> = {},
  options: RequestOptions = {},
  frames: readonly ImageFrame[] = [],
  row = 0,
): Thing[] {
  const whole = { ...PLAN, ...plan };
  const contexts = frames.length > 0 ? [{ type: 'image', frames } as const] : [];
  const writer = new JsonWriter();
  printRow(whole, finishOutput(whole, { outputs, contexts, options }), row, writer);
  return JSON.parse(writer.finish().toString()) as Thing[];
}

describe('a detection', () => {
  it('has the best class of each box, in pixels of the picture as it is seen', () => {
    const output = yolo([
      [50, 50, 20, 10, 0.1, 0.5],
      [10, 30, 4, 4, 0.75, 0.2],
      [90, 90, 4, 4, 0.25, 0.1],
    ]);
    expect(things([output], {}, {}, [FRAME])).toEqual([
      { label: 'cat', score: 0.75, box: [16, 6, 24, 14] },
      { label: 'dog', score: 0.5, box: [80, 40, 120, 60] },
    ]);
  });

  it('keeps boxes within the picture', () => {
    const output = yolo([[0, 26, 40, 40, 0.9, 0]]);
    expect(things([output], {}, {}, [FRAME])[0]?.box).toEqual([0, 0, 40, 42]);
  });

  it('leaves out what overlaps a better one of its class, and only that', () => {
    const output = yolo([
      [50, 50, 20, 20, 0.8, 0],
      [51, 50, 20, 20, 0.9, 0],
      [51, 50, 20, 20, 0, 0.7],
      [65, 50, 20, 20, 0.6, 0],
    ]);
    expect(things([output]).map(({ label, score }) => `${label} ${score}`)).toEqual([
      'cat 0.9',
      'dog 0.7',
      'cat 0.6',
    ]);
    expect(things([output], {}, { iou: 0.1 }).map(({ score }) => score)).toEqual([0.9, 0.7]);
    expect(things([output], {}, { iou: 1 })).toHaveLength(4);
  });

  it('has as many as are asked for, of the score that is asked for', () => {
    const output = yolo([
      [10, 10, 4, 4, 0.5, 0],
      [30, 10, 4, 4, 0.9, 0],
      [50, 10, 4, 4, 0.3, 0],
    ]);
    expect(things([output], {}, { max: 1 }).map(({ score }) => score)).toEqual([0.9]);
    expect(things([output], {}, { score: 0.4 })).toHaveLength(2);
    expect(things([output], {}, { score: 0.9 })).toEqual([]);
  });

  it('may be of one class, of no box, of one that is none, and beyond the picture', () => {
    const one = { labels: ['cat'] };
    expect(things([yolo([[10, 10, 4, 4, 0.5]])], one)).toMatchObject([{ label: 'cat' }]);
    expect(things([floats('output0', [1, 5, 0], [])], one)).toEqual([]);
    expect(things([floats('output0', [1, 0, 6], [])], { layout: 'end2end', iou: undefined })).toEqual([]);
    const odd = yolo([
      [NaN, 10, 4, 4, 0.5],
      [10, 10, 4, 4, NaN],
      [900, 900, 4, 4, 0.4],
    ]);
    expect(things([odd], one, {}, [FRAME])).toEqual([
      { label: 'cat', score: 0.5, box: ['NaN', 0, 'NaN', 0] },
      { label: 'cat', score: 0.4, box: [200, 100, 200, 100] },
    ]);
  });

  it('is told row by row', () => {
    const output = yolo([[10, 10, 4, 4, 0.1, 0]], [[10, 10, 4, 4, 0, 0.5]], [[10, 10, 4, 4, 0.5, 0]]);
    const rows = [0, 1, 2].map((row) => things([output], {}, {}, [], row).map(({ label }) => label));
    expect(rows).toEqual([[], ['dog'], ['cat']]);
    const tensors = finishOutput(PLAN, { outputs: [output], contexts: [], options: {} });
    expect(tensors.map(({ name, shape }) => [name, shape])).toEqual([
      ['objects', [2]],
      ['objects.scores', [2]],
      ['objects.boxes', [2, 4]],
      ['objects.counts', [3]],
    ]);
    expect(tensors[3]?.data).toEqual(BigInt64Array.of(0n, 1n, 1n));
  });

  it('is read of a model that chooses among its boxes itself', () => {
    const output = floats('output0', [1, 2, 6], [1, 2, 3, 4, 0.5, 1, 1, 2, 3, 4, 0.8, 1]);
    expect(things([output], { layout: 'end2end', iou: undefined })).toEqual([
      { label: 'dog', score: 0.8, box: [1, 2, 3, 4] },
      { label: 'dog', score: 0.5, box: [1, 2, 3, 4] },
    ]);
  });

  it('is read of three outputs, also in fractions of the tensor', () => {
    const outputs = [
      floats('boxes', [1, 2, 4], [0, 0.25, 0.5, 0.75, 0, 0, 0, 0]),
      floats('scores', [1, 2], [0.5, 0]),
      { name: 'classes', datatype: 'INT64', shape: [1, 2], data: BigInt64Array.of(1n, 0n) } as const,
    ];
    const plan = {
      layout: 'boxes_scores_classes',
      from: ['boxes', 'scores', 'classes'],
      unit: 'fraction',
      iou: undefined,
    } as const;
    expect(things(outputs, plan, {}, [FRAME])).toEqual([{ label: 'dog', score: 0.5, box: [0, 0, 100, 100] }]);
  });
});

describe('the declaration of a detection', () => {
  const signature: Signature = {
    inputs: [],
    outputs: [{ name: 'output0', datatype: 'FP32', shape: [1, 6, 8400] }],
  };

  async function bind(keys: Record<string, unknown>, outputs = signature.outputs): Promise<unknown> {
    const faults: string[] = [];
    const read = DETECTION.read('objects', keys as never, faults);
    const bound =
      faults.length > 0
        ? undefined
        : await read.bind({ inputs: [], outputs }, assetsOf(), (one) => faults.push(one));
    return faults.length > 0 ? faults.join('; ') : bound?.plan;
  }

  it('has the labels of as many classes as the model, and a usual overlap', async () => {
    expect(await bind({ labels: ['cat', 'dog'] })).toMatchObject({
      from: ['output0'],
      iou: 0.45,
      labels: ['cat', 'dog'],
    });
    expect(await bind({ labels: ['cat'] })).toBe('labels: are 1, but the model has 2 classes');
  });

  it.each([
    [{ layout: 'end2end' }, 'from: output0 is FP32 [1, 6, 8400], which is not what end2end has'],
    [{ layout: 'boxes_scores_classes' }, 'from: must list three outputs'],
    [{ from: ['a', 'b'] }, 'from: must be the name of an output, or a list of three'],
    [{ from: 'other' }, 'from: the model has no output other'],
    [{ iou: 2 }, 'iou: must be a number from 0 to 1'],
  ])('is held against the session: %j', async (keys, fault) => {
    expect(await bind(keys)).toContain(fault);
  });

  it('tells boxes before their numbers from numbers before their boxes', async () => {
    const turned = [{ name: 'output0', datatype: 'FP32', shape: [1, 8400, 84] } as const];
    expect(await bind({}, turned)).toContain(
      'yolov8 has [rows, 4 + classes, boxes], and output0 is [1, 8400, 84]',
    );
    expect(await bind({ labels: ['cat'] }, turned)).toBe('labels: are 1, but the model has 8396 classes');
    const open = [{ name: 'output0', datatype: 'FP32', shape: [-1, -1, -1] } as const];
    expect(await bind({ labels: ['cat', 'dog'] }, open)).toHaveProperty('labels');
    expect(() => things([floats('output0', [1, 7, 1], [1, 1, 1, 1, 0, 0, 1])])).toThrow(
      'output0 has 3 classes, and 2 labels are declared.',
    );
  });
});

describe('boxes of YOLOX', () => {
  const plan = { layout: 'yolox', from: ['output0'], score: 0.1 } as const;
  /** A tensor of 64 x 64: grids of 8 x 8, 4 x 4 and 2 x 2 cells. */
  const CELLS = 64 + 16 + 4;
  const frame = {
    ...FRAME,
    width: 128,
    height: 128,
    scaleX: 0.5,
    scaleY: 0.5,
    top: 0,
    tensorWidth: 64,
    tensorHeight: 64,
  };

  /** What cells say; all others see nothing. */
  function grids(cells: Readonly<Record<number, readonly number[]>>, count = CELLS): Tensor {
    const values = Array.from({ length: count }, (_, cell) => cells[cell] ?? [0, 0, 0, 0, 0, 1, 1]);
    return floats('output0', [1, count, 7], values.flat());
  }

  it('are made of their cells, of three sizes, and of how sure it is that there is anything', () => {
    const output = grids({
      // Line 2, column 3 of the cells of 8 pixels: the middle is at 28, 20, the size 16 x 8.
      19: [0.5, 0.5, Math.log(2), 0, 0.5, 0.2, 0.8],
      // Line 1, column 0 of those of 32: the middle is at 16, 48, the size 32 x 32.
      82: [0.5, 0.5, 0, 0, 0.9, 1, 0],
    });
    const found = things([output], plan, {}, [frame]);
    expect(found.map(({ label }) => label)).toEqual(['cat', 'dog']);
    expect(found.map(({ score }) => score)).toEqual([expect.closeTo(0.9), expect.closeTo(0.4)]);
    expect(found.map(({ box }) => box.map(Math.round))).toEqual([
      [0, 64, 64, 128],
      [40, 32, 72, 48],
    ]);
  });

  it('are those of a square where a tensor was sent, and of a fourth grid where there is one', () => {
    const three = things([grids({ 19: [0.5, 0.5, 0, 0, 1, 1, 0] })], plan);
    expect(three[0]?.box).toEqual([24, 16, 32, 24]);
    const four = things([grids({ 84: [0.5, 0.5, 0, 0, 1, 1, 0] }, CELLS + 1)], plan);
    expect(four[0]?.box).toEqual([0, 0, 64, 64]);
  });

  it('are not guessed where the number of cells is another', () => {
    expect(() => things([grids({}, CELLS - 1)], plan, {}, [frame])).toThrow(/83 boxes are not the cells/);
  });
});
