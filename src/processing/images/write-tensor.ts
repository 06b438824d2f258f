import { allocate, type NumericArray } from '../../tensors/datatype';
import { numberToHalf } from '../../tensors/numbers/float16';
import type { Tensor } from '../../tensors/tensor';
import type { ImagePlan } from './image-plan';
import type { Pixels } from './pixels';

/** Where the pixels of one row go. */
export interface RowPlace {
  readonly left: number;
  readonly top: number;
  /** A colour value, 0 to 255, for what they do not cover; undefined: it stays 0 in the tensor itself. */
  readonly pad: number | undefined;
}

/** Puts pictures into a tensor, one a row. */
export class ImageTensorWriter {
  private readonly data: NumericArray;
  /** What each of the 256 colour values becomes, for each channel of the tensor. */
  private readonly tables: readonly NumericArray[];
  private readonly channels: number;

  constructor(
    private readonly plan: ImagePlan,
    private readonly rows: number,
    private readonly width: number,
    private readonly height: number,
  ) {
    this.tables = tablesOf(plan);
    this.channels = this.tables.length;
    this.data = allocate(numericDatatype(plan), rows * this.channels * width * height);
  }

  get tensor(): Tensor {
    const { plan, rows, width, height, channels, data } = this;
    const sizes = { n: rows, c: channels, h: height, w: width };
    const shape = Array.from(plan.layout, (letter) => sizes[letter as keyof typeof sizes]);
    return { name: plan.to.name, datatype: plan.to.datatype, shape, data };
  }

  write(row: number, pixels: Pixels, place: RowPlace): void {
    const isWhole = pixels.width === this.width && pixels.height === this.height;
    if (!isWhole && place.pad !== undefined) this.pad(row, place.pad);
    for (let channel = 0; channel < this.channels; channel++) {
      // BGR: the first channel of the tensor is the picture's last.
      const from = this.plan.color === 'bgr' ? 2 - channel : channel;
      this.writeChannel(row, channel, pixels, from, place);
    }
  }

  private writeChannel(
    row: number,
    channel: number,
    { data: source, width, height, channels }: Pixels,
    from: number,
    { left, top }: RowPlace,
  ): void {
    const { data } = this;
    const table = this.tables[channel]!;
    const step = this.step;
    let at = from;
    for (let y = 0; y < height; y++) {
      let to = this.startOf(row, channel) + ((top + y) * this.width + left) * step;
      for (let x = 0; x < width; x++, at += channels, to += step) data[to] = table[source[at]!]!;
    }
  }

  private pad(row: number, color: number): void {
    for (let channel = 0; channel < this.channels; channel++) {
      const value = this.tables[channel]![color]!;
      const start = this.startOf(row, channel);
      const count = this.width * this.height;
      for (let i = 0, to = start; i < count; i++, to += this.step) this.data[to] = value;
    }
  }

  /** How far apart neighbours are. */
  private get step(): number {
    return this.plan.layout === 'nhwc' ? this.channels : 1;
  }

  private startOf(row: number, channel: number): number {
    const plane = this.width * this.height;
    return row * this.channels * plane + (this.plan.layout === 'nhwc' ? channel : channel * plane);
  }
}

/**
 * `(x * scale - mean) / std`, each step rounded to FP32: so numpy and torch count, and multiplying and adding at once
 * would give other last bits.
 */
function tablesOf(plan: ImagePlan): NumericArray[] {
  const { fround } = Math;
  const { times, over } = plan.scale;
  return plan.mean.map((mean, channel) => {
    const table = allocate(numericDatatype(plan), 256);
    for (let value = 0; value < 256; value++) {
      const scaled = fround((value * times) / over);
      const normal = fround(fround(scaled - fround(mean)) / fround(plan.std[channel]!));
      table[value] = plan.to.datatype === 'FP16' ? numberToHalf(normal) : normal;
    }
    return table;
  });
}

function numericDatatype({ to }: ImagePlan): 'FP32' | 'FP16' | 'UINT8' {
  if (to.datatype === 'FP16' || to.datatype === 'UINT8') return to.datatype;
  return 'FP32';
}
