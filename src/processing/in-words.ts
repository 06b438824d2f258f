import type { Shape } from '../tensors/shape';
import type { TensorSpec } from '../tensors/tensor';
import type { ImagePlan } from './images/image-plan';
import type { Pipeline } from './pipeline';
import type { InputPlan, OutputPlan } from './plans';
import { columnsOf } from './table/table-plan';

/** What a model takes and gives, for people: `picture 224 × 224` and `1000 labels`. */
export interface InWords {
  readonly takes: string;
  readonly gives: string;
}

/** What the words are made of. */
export interface Described {
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  /** What it declares beyond tensors, which goes before them. */
  readonly pipeline?: Pick<Pipeline, 'inputs' | 'outputs'>;
}

/** Of more tensors than these the rest is a number. */
const MOST_NAMED = 3;
/** Sides of what a person may draw: a square of so many cells is called a picture. */
const SMALLEST_PICTURE = 6;
const LARGEST_PICTURE = 64;

/** The same words wherever a model is described: the page, the log, the documentation, the command line. */
export function inWords({ inputs, outputs, pipeline }: Described): InWords {
  const taken = pipeline?.inputs.map(({ plan }) => inputInWords(plan)) ?? [];
  const given = pipeline?.outputs.map((plan) => outputInWords(plan, outputs)) ?? [];
  return {
    takes: taken.length > 0 ? listed(taken) : tensorsTaken(inputs),
    // What gives most goes first: probabilities before the one label.
    gives: given.length > 0 ? listed(given) : listed(mostFirst(outputs).map((spec) => tensor(spec, 'given'))),
  };
}

function inputInWords(plan: InputPlan): string {
  switch (plan.type) {
    case 'image':
      return pictureOf(plan);
    case 'text':
      return plan.pairs ? 'pair of texts' : 'text';
    case 'table':
      return `row of ${counted(columnsOf(plan).length, 'column')}`;
  }
}

function pictureOf({ color, crop, resize }: ImagePlan): string {
  const noun = color === 'grey' ? 'grey picture' : 'picture';
  const size = crop ?? ('width' in resize ? resize : undefined);
  return size === undefined ? noun : `${noun} ${size.width} × ${size.height}`;
}

function outputInWords(plan: OutputPlan, outputs: readonly TensorSpec[]): string {
  switch (plan.type) {
    case 'classification': {
      const count = plan.labels?.length ?? sizeOf(outputs, plan.from, 1);
      return count === undefined ? 'labels' : counted(count, 'label');
    }
    case 'detection':
      return plan.labels === undefined ? 'boxes' : `boxes of ${counted(plan.labels.length, 'kind')}`;
    case 'embedding': {
      const width = sizeOf(outputs, plan.from, -1);
      return width === undefined ? 'vector' : `vector of ${width}`;
    }
    case 'regression':
      return plan.labels === undefined ? 'number' : counted(plan.labels.length, 'number');
    case 'mask':
      return plan.labels === undefined
        ? 'mask'
        : `mask of ${counted(plan.labels.length, 'class', 'classes')}`;
    case 'ctc':
      return 'text';
    case 'rerank':
      return 'score';
    case 'tokens':
      return 'named parts of the text';
    case 'raw': {
      const spec = outputs.find(({ name }) => name === plan.from);
      return spec === undefined ? plan.name : tensor(spec, 'given');
    }
  }
}

/** A dimension of an output; undefined where it is open. */
function sizeOf(outputs: readonly TensorSpec[], name: string, at: number): number | undefined {
  const size = outputs.find((output) => output.name === name)?.shape.at(at);
  return size === undefined || size < 0 ? undefined : size;
}

function tensorsTaken(inputs: readonly TensorSpec[]): string {
  if (inputs.length > 1 && inputs.every(({ shape }) => isOneColumn(shape)))
    return `row of ${inputs.length} columns`;
  return listed(inputs.map((spec) => tensor(spec, 'taken')));
}

function mostFirst(outputs: readonly TensorSpec[]): TensorSpec[] {
  return [...outputs].sort((a, b) => b.shape.length - a.shape.length);
}

/** Equal ones are counted, and of many the first are named. */
function listed(words: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  const all = [...counts].map(([word, count]) =>
    count === 1 ? word : /^\d/.test(word) ? `${count} × ${word}` : `${count} ${word}s`,
  );
  return all.length > MOST_NAMED
    ? `${all.slice(0, MOST_NAMED - 1).join(', ')} and ${all.length - MOST_NAMED + 1} more`
    : all.join(', ');
}

interface Noun {
  readonly one: string;
  readonly many: string;
}

const TOKENS: Noun = { one: 'token', many: 'tokens' };

/** One row of a tensor. */
function tensor(spec: TensorSpec, side: 'taken' | 'given'): string {
  const { shape } = spec;
  const noun = nounOf(spec, side);
  const row = shape.slice(1);
  const isOpen = row.some((size) => size < 0);
  if (!isOpen && row.reduce((product, size) => product * size, 1) === 1) return `1 ${noun.one}`;
  if (row.length === 1) {
    if (noun === TOKENS) return 'token list';
    return isOpen ? `any number of ${noun.many}` : counted(row[0]!, noun.one, noun.many);
  }
  if (side === 'taken' && isSmallPicture(spec)) return `grey picture ${row.at(-1)} × ${row.at(-2)}`;
  const [positions, width] = row;
  if (row.length === 2 && positions === -1 && width! > 0) return `${width} ${noun.many} for each token`;
  return `${row.map((size) => (size < 0 ? '?' : size)).join(' × ')} ${noun.many}`;
}

/** By the datatype, and where the name says more by that. */
function nounOf({ name, datatype }: TensorSpec, side: 'taken' | 'given'): Noun {
  if (datatype === 'BYTES') return { one: 'text', many: 'texts' };
  if (datatype === 'BOOL') return { one: 'yes or no', many: 'yes or no' };
  const isWhole = /^U?INT/.test(datatype);
  if (side === 'given' && isWhole && /label|class/i.test(name)) return { one: 'label', many: 'labels' };
  if (side === 'given' && !isWhole && /prob|softmax/i.test(name))
    return { one: 'probability', many: 'probabilities' };
  if (isWhole && /(^|_)ids?$|mask/.test(name)) return TOKENS;
  return { one: 'number', many: 'numbers' };
}

function isOneColumn(shape: Shape): boolean {
  return shape.length <= 2 && shape.slice(1).every((size) => size === 1);
}

function isSmallPicture({ datatype, shape }: TensorSpec): boolean {
  const [height, width] =
    shape.length === 4 && shape[1] === 1 ? shape.slice(2) : shape.length === 3 ? shape.slice(1) : [];
  return (
    height !== undefined &&
    height === width &&
    height >= SMALLEST_PICTURE &&
    height <= LARGEST_PICTURE &&
    /^(FP|UINT8)/.test(datatype)
  );
}

function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
