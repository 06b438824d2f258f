import { DomainError } from '../../errors/domain-error';
import type { ProcessingLimits } from '../pool/messages';
import type { PreparedInput, Preparer } from '../pool/preparer';
import { placeOf, type RawInput } from '../raw-input';
import { ByteGate } from './byte-gate';
import { decode, type ImageHead, readHead, toGrey } from './decode';
import { formatOf } from './formats';
import type { ImagePlan } from './image-plan';
import { type PicturePart, type Pixels, type Rectangle, wholePicture } from './pixels';
import { place, type Placement } from './placement';
import { withoutTexts } from './png';
import { cut, MOST_TARGET_SIDE, partFor, resample, type Resampling, resampleBytes } from './resample';
import { ImageTensorWriter } from './write-tensor';

/** A picture of the size that the tensor wants, and where it goes. */
interface Placed {
  readonly pixels: Pixels;
  readonly placement: Placement;
}

/** One for each thread, whichever the model. */
let gate: ByteGate | undefined;

/** Makes tensors of pictures. */
export function openImages(plan: ImagePlan, limits: ProcessingLimits): Preparer {
  gate ??= new ByteGate(limits.imageBytes);
  const open: OpenImages = { plan, limits, gate };
  return { prepare: async (raw, _options, { deadlineMs }) => [await prepare(open, raw, deadlineMs)] };
}

interface OpenImages {
  readonly plan: ImagePlan;
  readonly limits: ProcessingLimits;
  readonly gate: ByteGate;
}

async function prepare(open: OpenImages, raw: RawInput, deadlineMs: number): Promise<PreparedInput> {
  const { maxInputs } = open.limits;
  if (raw.pieces.length > maxInputs) {
    throw new DomainError(
      'input_too_large',
      `Input "${raw.name}": has ${raw.pieces.length} pictures, and at most ${maxInputs} are taken (MAX_INPUTS).`,
    );
  }
  const placed: Placed[] = [];
  for (const [index, piece] of raw.pieces.entries()) {
    if (typeof piece === 'string') throw new Error('A picture is bytes.');
    placed.push(await prepareOne(open, piece, deadlineMs, placeOf(raw, index)));
  }
  const { width, height } = sizeOf(open.plan, placed, raw);
  const writer = new ImageTensorWriter(open.plan, placed.length, width, height);
  for (const [row, { pixels, placement }] of placed.entries()) writer.write(row, pixels, placement);
  return {
    tensors: [writer.tensor],
    context: { type: 'image', frames: placed.map(({ placement }) => placement.frame) },
  };
}

/** Decodes and resamples a picture, with no more of them in memory than there is room for. */
async function prepareOne(
  { plan, limits, gate }: OpenImages,
  given: Uint8Array,
  deadlineMs: number,
  where: string,
): Promise<Placed> {
  const bytes = formatOf(given) === 'PNG' ? withoutTexts(given) : given;
  const head = await readHead(bytes, limits.maxImagePixels, where);
  const planned = place(plan, head);
  checkSides(plan, planned.window, head, where);
  const working = resampleBytes({ ...head, channels: 3 }, planned.window);
  if (working > limits.imageBytes) {
    throw new DomainError(
      'input_too_large',
      `${where}: to resize ${head.width} x ${head.height} pixels takes more memory than there is (IMAGE_MEMORY).`,
    );
  }
  const needed = head.bytes + working;
  await gate.enter(needed);
  try {
    const withinMs = deadlineMs - performance.now();
    if (withinMs <= 0) {
      throw new DomainError('deadline_exceeded', `${where}: the deadline passed before it was decoded.`);
    }
    const part = partSeen(plan, planned, head);
    const decoded = await decode(bytes, head, plan.orient, part, withinMs, where);
    const colored = plan.color === 'grey' ? toGrey(decoded) : decoded;
    const source: PicturePart =
      part === undefined
        ? wholePicture(colored)
        : { pixels: colored, left: part.left, top: part.top, width: head.width, height: head.height };
    const placement = place(plan, source);
    const pixels =
      plan.resize.mode === 'none'
        ? cut(colored, placement.window)
        : resample(source, resamplingOf(plan, placement));
    return { pixels, placement };
  } finally {
    gate.leave(needed);
  }
}

/** A thin strip whose shorter side is made as long as the model wants it can become one of any length. */
function checkSides({ resize }: ImagePlan, window: Rectangle, head: ImageHead, where: string): void {
  if (resize.mode === 'none' || Math.max(window.width, window.height) <= MOST_TARGET_SIDE) return;
  throw new DomainError(
    'input_too_large',
    `${where}: ${head.width} x ${head.height} pixels become ${window.width} x ${window.height}, and a side has at most ${MOST_TARGET_SIDE}.`,
  );
}

function resamplingOf({ filter, antialias }: ImagePlan, { resized, window }: Placement): Resampling {
  return { ...resized, filter, antialias, window };
}

/**
 * What a crop leaves to be seen of a picture, down to its last row, as one that is cut off below is to be refused;
 * undefined: all of it. A third of a photo's pixels need not be written, and memory for them costs as much as decoding.
 */
function partSeen(plan: ImagePlan, placement: Placement, head: ImageHead): Rectangle | undefined {
  if (head.isTurned || plan.resize.mode === 'none') return undefined;
  const seen = partFor(head, resamplingOf(plan, placement));
  if (seen === undefined) return undefined;
  const part = { ...seen, height: head.height - seen.top };
  return part.width === head.width && part.height === head.height ? undefined : part;
}

/** The size of the tensor that all pictures of a request share. */
function sizeOf(
  plan: ImagePlan,
  placed: readonly Placed[],
  raw: RawInput,
): { width: number; height: number } {
  const [first] = placed;
  if (first === undefined) throw new DomainError('invalid_request', `Input "${raw.name}": has no picture.`);
  const { width, height } = first.placement;
  // Lines of text are of one height, and the shorter ones are followed by nothing.
  if (plan.resize.mode === 'height' && plan.crop === undefined) {
    return { width: Math.max(...placed.map(({ placement }) => placement.width)), height };
  }
  const odd = placed.findIndex(({ placement }) => placement.width !== width || placement.height !== height);
  if (odd !== -1) {
    const { placement } = placed[odd]!;
    throw new DomainError(
      'shape_mismatch',
      `${placeOf(raw, odd)}: becomes ${placement.width} x ${placement.height} pixels and the first one ${width} x ${height}; send pictures of one size together.`,
    );
  }
  return { width, height };
}
