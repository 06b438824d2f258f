import { bool, choice, integer, type KeyTable, mapping, type Reader } from '../../config/yaml/readers';
import type { JsonValue } from '../../config/yaml/json-value';
import { type Filter, FILTERS, type Resize } from './image-plan';

/** The longest side, in pixels, that a picture is made. */
export const MOST_SIDE = 8192;

export interface ResizeSettings {
  readonly resize: Resize;
  readonly filter: Filter;
  readonly antialias: boolean;
}

interface Keys {
  readonly shorter: number | undefined;
  readonly longer: number | undefined;
  readonly width: number | undefined;
  readonly height: number | undefined;
  readonly maxWidth: number | undefined;
  readonly fit: readonly [width: number, height: number] | undefined;
  readonly pad: number;
  readonly anchor: 'center' | 'start';
  readonly filter: Filter;
  readonly antialias: boolean;
}

const side = integer(1, MOST_SIDE);

const twoSides: Reader<readonly [number, number]> = (value, fault) => {
  const sides: readonly JsonValue[] = Array.isArray(value) ? value : [];
  const [width, height, ...more] = sides;
  const isSound = [width, height].every((one) => side(one ?? null, () => undefined) !== undefined);
  if (!isSound || more.length > 0) return fault(`must be [width, height], each from 1 to ${MOST_SIDE}`);
  return [width as number, height as number];
};

const KEYS: KeyTable<Keys> = {
  shorter: { key: 'shorter', read: side, fallback: undefined },
  longer: { key: 'longer', read: side, fallback: undefined },
  width: { key: 'width', read: side, fallback: undefined },
  height: { key: 'height', read: side, fallback: undefined },
  maxWidth: { key: 'max_width', read: side, fallback: undefined },
  fit: { key: 'fit', read: twoSides, fallback: undefined },
  pad: { key: 'pad', read: integer(0, 255), fallback: 0 },
  anchor: { key: 'anchor', read: choice(['center', 'start']), fallback: 'center' },
  filter: { key: 'filter', read: choice(FILTERS), fallback: 'bilinear' },
  antialias: { key: 'antialias', read: bool, fallback: true },
};

/** `{ shorter: 256, filter: bicubic }`, or one of the other ways to say a size. */
export const resizeSettings: Reader<ResizeSettings> = (value, fault) => {
  const keys = mapping(KEYS)(value, fault);
  if (keys === undefined) return undefined;
  const resize = sizeOf(keys);
  if (resize === undefined) {
    return fault('must have one of: shorter; longer; width and height; fit; height and max_width');
  }
  return { resize, filter: keys.filter, antialias: keys.antialias };
};

function sizeOf(keys: Keys): Resize | undefined {
  const { shorter, longer, width, height, maxWidth, fit, pad, anchor } = keys;
  const given = [shorter, longer, width, height, maxWidth, fit].filter((one) => one !== undefined).length;
  if (given === 1) {
    if (shorter !== undefined) return { mode: 'shorter', size: shorter };
    if (longer !== undefined) return { mode: 'longer', size: longer };
    if (fit !== undefined) return { mode: 'fit', width: fit[0], height: fit[1], pad, anchor };
  }
  if (given !== 2 || height === undefined) return undefined;
  if (width !== undefined) return { mode: 'exact', width, height };
  return maxWidth === undefined ? undefined : { mode: 'height', height, maxWidth };
}
