import { isJsonObject, type JsonObject, type JsonValue } from '../../config/yaml/json-value';
import type { Fact, Recognised } from './recognised';

const FILE = 'preprocessor_config.json';

/** Pillow's numbers for its filters. https://pillow.readthedocs.io/en/stable/reference/Image.html#resampling-filters */
const FILTERS: readonly string[] = ['nearest', 'lanczos', 'bilinear', 'bicubic', 'box', 'hamming'];
/** ConvNeXt's processor crops below this size, and squashes from it on. */
const CONVNEXT_SQUASHES_FROM = 384;

/** A size as processors write it: both sides, or the shorter one. */
type Size = { readonly height: number; readonly width: number } | { readonly shorter: number };

/**
 * A recipe for pictures out of a Hugging Face image processor's configuration. Its steps come in the order that all of
 * those processors have: resize, crop, rescale, normalise.
 * https://huggingface.co/docs/transformers/main_classes/image_processor
 */
export function imageRecipe(config: JsonObject): Recognised {
  const facts: Fact[] = [];
  const say = (key: string, value: JsonValue): void => {
    facts.push({ side: 'input', name: 'image', key, value, from: FILE });
  };
  say('type', 'image');
  const reason = sizes(config, say) ?? numbers(config, say);
  return reason === undefined
    ? { facts, reason: '' }
    : { facts: [], reason: `${FILE} ${reason}, which is not understood` };
}

type Say = (key: string, value: JsonValue) => void;

/** @returns what is not understood, if anything */
function sizes(config: JsonObject, say: Say): string | undefined {
  if (config.do_pad === true) return 'pads pictures';
  if (config.keep_aspect_ratio === true || config.size_divisor !== undefined)
    return 'resizes by its own rule';
  if (config.do_resize !== false && config.size !== undefined) {
    const size = sizeOf(config.size, config.default_to_square !== false);
    const filter = FILTERS[typeof config.resample === 'number' ? config.resample : 2];
    if (size === undefined) return `has a size of ${JSON.stringify(config.size).slice(0, 80)}`;
    if (filter === undefined) return `resamples by ${JSON.stringify(config.resample)}`;
    if (typeof config.crop_pct === 'number' && 'shorter' in size) {
      return convNext(size.shorter, config.crop_pct, filter, say);
    }
    say('resize', { ...size, filter });
  }
  if (config.do_center_crop === true) {
    const crop = sizeOf(config.crop_size ?? null, true);
    if (crop === undefined || 'shorter' in crop) return 'crops to a size that it does not say';
    say('crop', { ...crop, round: 'floor' });
  }
  return undefined;
}

function convNext(size: number, share: number, filter: string, say: Say): undefined {
  if (size >= CONVNEXT_SQUASHES_FROM) say('resize', { width: size, height: size, filter });
  else {
    say('resize', { shorter: Math.trunc(size / share), filter });
    say('crop', { width: size, height: size, round: 'floor' });
  }
}

/** @returns what is not understood, if anything */
function numbers(config: JsonObject, say: Say): string | undefined {
  if (config.do_rescale !== false) {
    const factor = config.rescale_factor ?? 1 / 255;
    if (typeof factor !== 'number') return 'rescales by what is no number';
    say('scale', factor);
  }
  if (config.offset === true) return 'has an offset';
  if (config.do_normalize === false) return undefined;
  const { image_mean: mean, image_std: std } = config;
  if (mean === undefined || std === undefined) return 'normalises by no mean and standard deviation';
  say('mean', mean);
  say('std', std);
  return undefined;
}

/** A number, `{height, width}` or `{shortest_edge}`; a number of older files is a square or the shorter side. */
function sizeOf(size: JsonValue, isSquare: boolean): Size | undefined {
  if (typeof size === 'number') return isSquare ? { height: size, width: size } : { shorter: size };
  if (!isJsonObject(size)) return undefined;
  const { height, width, shortest_edge: shorter, ...others } = size;
  if (Object.keys(others).length > 0) return undefined;
  if (typeof shorter === 'number' && height === undefined && width === undefined) return { shorter };
  return typeof height === 'number' && typeof width === 'number' ? { height, width } : undefined;
}
