import { choice, integer, type KeyTable, mapping, type Reader, text } from '../../config/yaml/readers';
import type { JsonValue } from '../../config/yaml/json-value';
import { DomainError } from '../../errors/domain-error';
import { printShape } from '../../tensors/shape';
import type { TensorSpec } from '../../tensors/tensor';
import { declaredType, type TellFault, tensorMeant } from '../declared-type';
import {
  channelsOf,
  type Color,
  COLORS,
  type Crop,
  type ImagePlan,
  type Layout,
  LAYOUTS,
  type Resize,
  type Scale,
} from '../images/image-plan';
import { MOST_SIDE, type ResizeSettings, resizeSettings } from '../images/resize-keys';
import { bytesOfBase64, placeOf } from '../raw-input';
import type { RawInputType } from './input-type';

interface Settings {
  readonly to: string | undefined;
  readonly orient: ImagePlan['orient'];
  readonly color: Color | undefined;
  readonly resize: ResizeSettings;
  readonly crop: Crop | undefined;
  readonly scale: Scale;
  readonly mean: readonly number[];
  readonly std: readonly number[];
  readonly layout: Layout | undefined;
}

const NO_RESIZE: ResizeSettings = { resize: { mode: 'none' }, filter: 'bilinear', antialias: true };
const AS_IT_IS: Scale = { times: 1, over: 1 };

const CROP_KEYS: KeyTable<{ width: number | undefined; height: number | undefined; round: Crop['round'] }> = {
  width: { key: 'width', read: integer(1, MOST_SIDE), fallback: undefined },
  height: { key: 'height', read: integer(1, MOST_SIDE), fallback: undefined },
  round: { key: 'round', read: choice(['half_even', 'floor']), fallback: 'half_even' },
};

const crop: Reader<Crop> = (value, fault) => {
  const keys = mapping(CROP_KEYS)(value, fault);
  if (keys === undefined) return undefined;
  const { width, height, round } = keys;
  return width === undefined || height === undefined
    ? fault('must have a width and a height')
    : { width, height, round };
};

/** A number, or a fraction as recipes have it: `1/255`. */
const scale: Reader<Scale> = (value, fault) => {
  const [times = NaN, over = 1, ...more] =
    typeof value === 'number' ? [value] : typeof value === 'string' ? value.split('/').map(decimal) : [];
  const isSound = Number.isFinite(times) && Number.isFinite(over) && times !== 0 && over !== 0;
  return isSound && more.length === 0
    ? { times, over }
    : fault('must be a number, or a fraction of two such as 1/255; none of them 0');
};

function decimal(digits: string): number {
  return /^\s*-?\d{1,17}(\.\d{1,17})?\s*$/.test(digits) ? Number(digits) : NaN;
}

/** One number for all channels, or one for each. */
function channelNumbers(isSound: (value: number) => boolean, rule: string): Reader<readonly number[]> {
  return (value, fault) => {
    const list: readonly JsonValue[] = Array.isArray(value) ? value : [value];
    const numbers = list.filter((one): one is number => typeof one === 'number' && isSound(one));
    return numbers.length === list.length && (list.length === 1 || list.length === 3) ? numbers : fault(rule);
  };
}

const KEYS: KeyTable<Settings> = {
  to: { key: 'to', read: text(256), fallback: undefined },
  orient: { key: 'orient', read: choice(['exif', 'none']), fallback: 'exif' },
  color: { key: 'color', read: choice(COLORS), fallback: undefined },
  resize: { key: 'resize', read: resizeSettings, fallback: NO_RESIZE },
  crop: { key: 'crop', read: crop, fallback: undefined },
  scale: { key: 'scale', read: scale, fallback: AS_IT_IS },
  mean: { key: 'mean', read: channelNumbers(() => true, 'must be a number, or 3 of them'), fallback: [0] },
  std: {
    key: 'std',
    read: channelNumbers((value) => value !== 0, 'must be a number other than 0, or 3 of them'),
    fallback: [1],
  },
  layout: { key: 'layout', read: choice(LAYOUTS), fallback: undefined },
};

/** A picture: JPEG, PNG, WebP, GIF, TIFF or AVIF. */
export const IMAGE: RawInputType<ImagePlan> = {
  ...declaredType({
    type: 'image',
    options: [],
    keys: KEYS,
    assets: () => [],
    bind: (name, settings, { inputs }, _assets, fault) => {
      const to = tensorMeant(settings.to, inputs, 'to', fault);
      return Promise.resolve(to && planOf(name, settings, to, fault));
    },
  }),
  contentTypes: ['image/*'],
  fromJson: (name, value) => {
    const isList = Array.isArray(value);
    const items: readonly unknown[] = isList ? value : [value];
    const pieces = items.map((item, i) => bytesIn(item, placeOf({ name, isList }, i)));
    return { name, media: 'image', pieces, isList };
  },
  fromBytes: (name, bytes) => ({ name, media: 'image', pieces: [bytes], isList: false }),
};

/** How a picture becomes the tensor, if it can. */
function planOf(name: string, settings: Settings, to: TensorSpec, fault: TellFault): ImagePlan | undefined {
  const layout = settings.layout ?? layoutOf(to);
  const color = settings.color ?? (channelDimension(to, layout) === 1 || layout === 'nhw' ? 'grey' : 'rgb');
  const channels = channelsOf(color);
  const { resize, filter, antialias } = settings.resize;
  const { crop, scale, mean, std } = settings;
  const faults: string[] = [];
  if (to.datatype !== 'FP32' && to.datatype !== 'FP16' && to.datatype !== 'UINT8') {
    faults.push(`to: needs FP32, FP16 or UINT8, and ${to.name} is ${to.datatype}`);
  }
  if (
    to.datatype === 'UINT8' &&
    (scale !== AS_IT_IS || mean.some((one) => one !== 0) || std.some((one) => one !== 1))
  ) {
    faults.push(`scale, mean, std: change nothing where the model takes UINT8, as ${to.name} is`);
  }
  if (layout === undefined || to.shape.length !== layout.length) {
    const wanted =
      layout === undefined ? 'nchw, nhwc or nhw' : `${layout}, which has ${layout.length} dimensions`;
    faults.push(`layout: must be ${wanted}, and ${to.name} is ${printShape(to.shape)}`);
  } else {
    faults.push(...sizeFaults(to, layout, channels, sizeAfter(resize, crop)));
  }
  for (const [key, numbers] of [
    ['mean', mean],
    ['std', std],
  ] as const) {
    if (numbers.length > channels)
      faults.push(`${key}: has ${numbers.length} numbers for ${channels} channel`);
  }
  for (const one of faults) fault(one);
  if (faults.length > 0 || layout === undefined) return undefined;
  const each = (numbers: readonly number[]): number[] =>
    Array.from({ length: channels }, (_, channel) => numbers[channel] ?? numbers[0]!);
  return {
    type: 'image',
    name,
    to,
    covers: [to.name],
    orient: settings.orient,
    color,
    resize,
    filter,
    antialias,
    crop,
    scale,
    mean: each(mean),
    std: each(std),
    layout,
  };
}

/** The layout that a shape can only mean; undefined when it may mean several. */
function layoutOf({ shape }: TensorSpec): Layout | undefined {
  if (shape.length === 3) return 'nhw';
  if (shape.length !== 4) return undefined;
  const isChannels = (size: number | undefined): boolean => size === 3 || size === 1;
  if (isChannels(shape[1])) return isChannels(shape[3]) ? undefined : 'nchw';
  return isChannels(shape[3]) ? 'nhwc' : undefined;
}

function channelDimension({ shape }: TensorSpec, layout: Layout | undefined): number | undefined {
  return layout === undefined ? undefined : shape[layout.indexOf('c')];
}

/** The size that every picture has in the end; undefined where it depends on the picture. */
function sizeAfter(resize: Resize, crop: Crop | undefined): Partial<Record<'w' | 'h', number>> {
  if (crop !== undefined) return { w: crop.width, h: crop.height };
  if (resize.mode === 'exact' || resize.mode === 'fit') return { w: resize.width, h: resize.height };
  return resize.mode === 'height' ? { h: resize.height } : {};
}

function sizeFaults(
  { name, shape }: TensorSpec,
  layout: Layout,
  channels: number,
  size: Partial<Record<'w' | 'h', number>>,
): string[] {
  const faults: string[] = [];
  const dimension = (letter: string): number => shape[layout.indexOf(letter)] ?? channels;
  const taken = dimension('c');
  if (taken !== -1 && taken !== channels) {
    faults.push(`color: gives ${channels} channels, and ${name} is ${printShape(shape)}`);
  }
  if (layout === 'nhw' && channels !== 1) faults.push('color: must be grey where the layout is nhw');
  const [height, width] = [dimension('h'), dimension('w')];
  const isOpen = (wanted: number, given: number | undefined): boolean => wanted !== -1 && given === undefined;
  if (isOpen(height, size.h) || isOpen(width, size.w)) {
    faults.push(`resize: must say how a picture becomes ${width} x ${height}, the size of ${name}`);
  } else if (!fits(height, size.h) || !fits(width, size.w)) {
    faults.push(
      `resize, crop: make pictures of ${size.w} x ${size.h}, and ${name} takes ${width} x ${height}`,
    );
  }
  return faults;
}

function fits(wanted: number, given: number | undefined): boolean {
  return wanted === -1 || wanted === given;
}

/** `{"b64": "..."}` */
function bytesIn(item: unknown, place: string): Uint8Array {
  const b64 = typeof item === 'object' && item !== null && 'b64' in item ? item.b64 : undefined;
  if (typeof b64 !== 'string' || Object.keys(item as object).length !== 1) {
    throw new DomainError('invalid_request', `${place}: expected {"b64": "<base64 of a picture>"}.`);
  }
  return bytesOfBase64(b64, `${place}: "b64"`);
}
