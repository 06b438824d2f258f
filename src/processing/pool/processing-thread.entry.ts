import { createRequire } from 'node:module';
import { parentPort, workerData } from 'node:worker_threads';
import { errorFields } from '../../errors/domain-error';
import { NamedThreads } from '../../process/cpu/named-threads';
import { lowerOwnPriority } from '../../process/cpu/thread-priority';
import { runNote, RunPlace } from '../../process/run-record';
import { finishAll } from '../finish';
import type * as Images from '../images/prepare-images';
import type { InputPlan, OutputPlan } from '../plans';
import type { Prepared, PreparedRun } from '../prepared';
import type { RawInput } from '../raw-input';
import { prepareTable } from '../table/prepare-table';
import type * as Texts from '../text/prepare-texts';
import type { Tensor } from '../../tensors/tensor';
import type { Ask, Reply, ReplyOf, ThreadSetup } from './messages';
import type { PreparedInput, Preparer } from './preparer';

interface OpenPipeline {
  readonly preparers: ReadonlyMap<string, Preparer>;
  readonly outputs: readonly OutputPlan[];
  readonly note: Buffer;
}

type Asked<Kind extends Ask['kind']> = Extract<Ask, { readonly kind: Kind }>;

const port = parentPort;
if (port === null) throw new Error('This runs in a worker thread only.');
const setup = workerData as ThreadSetup;
/** Each from the moment on that it is asked for, so that what comes after it waits for it. */
const pipelines = new Map<number, Promise<OpenPipeline>>();
/** Those that nothing is noted in. */
const places = setup.records.map((record) => new RunPlace(record));

lowerOwnPriority(setup.niceness);
/** What libvips decodes with: threads that would stand beside the event loop as its equals. */
const decoders = new NamedThreads('libvips worker', setup.niceness);

port.on('message', (ask: Ask) => {
  if (ask.kind === 'close') pipelines.delete(ask.pipeline);
  else void answer(ask);
});

async function answer(ask: Exclude<Ask, Asked<'close'>>): Promise<void> {
  let reply: Reply;
  try {
    reply = { id: ask.id, ok: true, value: await done(ask) };
  } catch (error) {
    reply = { id: ask.id, ok: false, ...errorFields(error) };
  }
  port?.postMessage(reply, memoryOf(reply));
}

function done(ask: Exclude<Ask, Asked<'close'>>): Promise<ReplyOf[keyof ReplyOf]> {
  switch (ask.kind) {
    case 'open':
      return open(ask);
    case 'prepare':
      return prepare(ask);
    case 'finish':
      return finish(ask);
  }
}

async function open({ pipeline, ...plans }: Asked<'open'>): Promise<undefined> {
  const opening = openAll(plans);
  pipelines.set(pipeline, opening);
  await opening;
}

async function openAll({ inputs, outputs, label }: Omit<Asked<'open'>, 'pipeline'>): Promise<OpenPipeline> {
  const preparers = new Map<string, Preparer>();
  for (const plan of inputs) preparers.set(plan.name, await openPreparer(plan));
  return { preparers, outputs, note: runNote(label) };
}

// Each has a library of megabytes behind it, which a thread that needs it not does without.
const requireHere = createRequire(__filename);
const images = (): typeof Images => requireHere('../images/prepare-images') as typeof Images;
const texts = (): typeof Texts => requireHere('../text/prepare-texts') as typeof Texts;

/** What makes the tensors of a declared input. A tokenizer is loaded here. */
function openPreparer(plan: InputPlan): Preparer | Promise<Preparer> {
  switch (plan.type) {
    case 'image':
      return images().openImages(plan, setup.limits);
    case 'text':
      return texts().openTexts(plan);
    case 'table':
      return { prepare: (raw) => [{ tensors: prepareTable(plan, raw, setup.limits.tables) }] };
  }
}

/** What native code does with what a client sent may end the process: the note of it stays. */
async function noted<Value>({ note }: OpenPipeline, work: () => Value | Promise<Value>): Promise<Value> {
  const place = places.pop();
  place?.begin(note);
  try {
    return await work();
  } finally {
    place?.end();
    if (place !== undefined) places.push(place);
  }
}

async function prepare(ask: Asked<'prepare'>): Promise<Prepared> {
  const deadlineMs = performance.now() + ask.withinMs;
  const pipeline = await opened(ask.pipeline);
  return noted(pipeline, () => prepareAll(pipeline, ask, deadlineMs));
}

async function prepareAll(
  { preparers }: OpenPipeline,
  { raw, options, freedom }: Asked<'prepare'>,
  deadlineMs: number,
): Promise<Prepared> {
  // What goes with other inputs stays together.
  const terms = { ...freedom, deadlineMs, mayPart: freedom.mayPart && raw.length === 1 };
  const inputs: (readonly PreparedInput[])[] = [];
  for (const input of raw) {
    inputs.push(await preparerOf(preparers, input).prepare(input, options, terms));
    if (input.media === 'image') decoders.lowerPriority();
  }
  const [only = []] = inputs;
  return raw.length === 1 ? only.map((part) => runOf([part])) : [runOf(inputs.flat())];
}

function runOf(inputs: readonly PreparedInput[]): PreparedRun {
  const [first] = inputs;
  return {
    tensors: inputs.flatMap(({ tensors }) => tensors),
    contexts: inputs.flatMap(({ context }) => context ?? []),
    rows: inputs.length === 1 ? first?.rows : undefined,
    padding: inputs.length === 1 ? first?.padding : undefined,
  };
}

async function finish(ask: Asked<'finish'>): Promise<readonly Tensor[]> {
  const pipeline = await opened(ask.pipeline);
  return noted(pipeline, () => finishAll(pipeline.outputs, ask));
}

function preparerOf(preparers: ReadonlyMap<string, Preparer>, { name }: RawInput): Preparer {
  const preparer = preparers.get(name);
  if (preparer === undefined) throw new Error(`No input ${name} is declared.`);
  return preparer;
}

function opened(pipeline: number): Promise<OpenPipeline> {
  const found = pipelines.get(pipeline);
  if (found === undefined) throw new Error(`Pipeline ${pipeline} is not open.`);
  return found;
}

/** The memory of tensors that were made here, which changes hands. */
function memoryOf(reply: Reply): ArrayBuffer[] {
  if (!reply.ok || reply.value === undefined) return [];
  const tensors = reply.value.flatMap((item) => ('tensors' in item ? item.tensors : [item]));
  const memory = new Set<ArrayBuffer>();
  for (const { data } of tensors) {
    if (!Array.isArray(data) && data.buffer instanceof ArrayBuffer) memory.add(data.buffer);
  }
  return [...memory];
}
