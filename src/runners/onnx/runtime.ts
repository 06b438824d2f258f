import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { isMainThread } from 'node:worker_threads';
import type * as Ort from 'onnxruntime-node';
import type { TensorData } from '../../tensors/datatype';
import type { Tensor, TensorSpec } from '../../tensors/tensor';
import { elementTypeOf, specOf, type OrtValueMetadata } from './ort-elements';
import { DATA_FILE, MODEL_FILE } from './prepared/prepared';
import { openPrepared } from './prepared/open-prepared';
import { isExact, PROBE_MODEL } from './int8';
import type { RuntimeSession } from './runtime-session';
import type { SessionSignature } from './session-messages';
import type { SessionOptions } from './session-options';
import { cutCollections, type PlainModel } from './collections';

/** The package's own binding below its promises: private, so whatever of it is used is checked. */
interface Binding {
  InferenceSession: new () => BindingSession;
  listSupportedBackends(): { name: string; bundled: boolean }[];
  initOrtOnce(logLevel: number, tensor: typeof OrtTensor, isMainThread: boolean): void;
}

interface BindingSession {
  readonly inputMetadata: OrtValueMetadata[];
  readonly outputMetadata: OrtValueMetadata[];
  loadModel(path: string, options: object): void;
  loadModel(memory: ArrayBuffer, start: number, length: number, options: object): void;
  run(feeds: Feeds, fetches: Record<string, null>): Record<string, OrtTensor>;
  dispose(): void;
}

type Feeds = Record<string, OrtTensor & { location: 'cpu' }>;

/** What the binding makes for each output; onnxruntime-common's own class checks everything again. */
class OrtTensor {
  constructor(
    readonly type: string,
    readonly data: TensorData,
    readonly dims: readonly number[],
  ) {}
}

const requireHere = createRequire(__filename);

/** Saves weights in a file of their own, in the form that kernels want: whoever loads it maps them. */
const SAVED_APART = {
  optimized_model_external_initializers_file_name: DATA_FILE,
  // Each is a mapping of its own, of which a process may have some 65,000.
  optimized_model_external_initializers_min_size_in_bytes: '65536',
  save_external_prepacked_constant_initializers: '1',
};

const PROBE_OPTIONS: SessionOptions = {
  modelFile: '',
  intraOpThreads: 1,
  interOpThreads: 1,
  graphOptimization: 'disabled',
  executionProviders: ['cpu'],
};

// Whatever fails is thrown as well; the runtime's own lines would only repeat it on stderr.
const LOG_FATAL_ONLY = 4;

/** Loads the runtime itself into the calling thread, which is a good part of what its first model would take. */
export function loadRuntime(): void {
  try {
    findBinding()?.initOrtOnce(LOG_FATAL_ONLY, OrtTensor, isMainThread);
  } catch {
    // Whoever loads a model will see why.
  }
}

/** Loads the model in the calling thread, by the synchronous binding where the installed package has it. */
export async function openRuntime(
  options: SessionOptions,
  binding: Binding | undefined = findBinding(),
): Promise<RuntimeSession> {
  const { prepared } = options;
  if (prepared !== undefined) return openPrepared(options, prepared, (plain) => openRuntime(plain, binding));
  const exactly = options.int8 === true && !(await hasExactInt8(binding));
  return open(binding, options, readModel(options), exactly);
}

/** @param exactly are products of eight-bit numbers to be made the slow, exact way? */
async function open(
  binding: Binding | undefined,
  options: SessionOptions,
  model: PlainModel | undefined,
  exactly: boolean,
): Promise<RuntimeSession> {
  const settings = ortOptions(options, exactly);
  const native = binding && openByBinding(binding, options, settings, model);
  return native ?? openByPackage(options, settings, model);
}

let exactInt8: Promise<boolean> | undefined;

/** Looked at once in each thread, when the first model comes that it matters for. */
function hasExactInt8(binding: Binding | undefined): Promise<boolean> {
  exactInt8 ??= (async () => {
    const session = await open(binding, PROBE_OPTIONS, { bytes: PROBE_MODEL, labels: new Map() }, false);
    try {
      return await isExact(session);
    } finally {
      await session.release();
    }
  })();
  return exactInt8;
}

/** The binding, if the package still has it and it looks as it did in the version this was written for. */
function findBinding(): Binding | undefined {
  hideFloat16Array();
  try {
    const { binding } = requireHere('onnxruntime-node/dist/binding.js') as { binding?: Partial<Binding> };
    const whole =
      typeof binding?.InferenceSession === 'function' &&
      typeof binding.listSupportedBackends === 'function' &&
      typeof binding.initOrtOnce === 'function';
    return whole ? (binding as Binding) : undefined;
  } catch {
    return undefined;
  }
}

function openByBinding(
  binding: Binding,
  options: SessionOptions,
  settings: Ort.InferenceSession.SessionOptions,
  model: PlainModel | undefined,
): RuntimeSession | undefined {
  checkProviders(options, binding.listSupportedBackends());
  const session = startBindingSession(binding, options, settings, model);
  if (!session) return undefined;
  const { inputs, outputs } = signatureOf(session.inputMetadata, session.outputMetadata, model);
  const fetches = Object.fromEntries(outputs.map(({ name }) => [name, null]));
  let fed: readonly Tensor[] | undefined;
  let feeds: Feeds = {};
  return {
    inputs,
    outputs,
    run(tensors) {
      if (tensors !== fed) feeds = feedsOf(tensors);
      fed = tensors;
      return collect(outputs, session.run(feeds, fetches));
    },
    release: () => session.dispose(),
  };
}

function feedsOf(tensors: readonly Tensor[]): Feeds {
  const feeds: Feeds = {};
  for (const { name, datatype, data, shape } of tensors) {
    feeds[name] = { type: elementTypeOf(datatype), data, dims: shape, location: 'cpu' };
  }
  return feeds;
}

/** @returns undefined when the binding does not take its arguments: that, and not the model, is a `TypeError`. */
function startBindingSession(
  binding: Binding,
  options: SessionOptions,
  settings: Ort.InferenceSession.SessionOptions,
  model: PlainModel | undefined,
): BindingSession | undefined {
  try {
    binding.initOrtOnce(LOG_FATAL_ONLY, OrtTensor, isMainThread);
    const session = new binding.InferenceSession();
    if (model === undefined) {
      session.loadModel(options.modelFile, settings);
    } else {
      const { buffer, byteOffset, byteLength } = model.bytes;
      session.loadModel(buffer as ArrayBuffer, byteOffset, byteLength, settings);
    }
    const known = Array.isArray(session.inputMetadata) && Array.isArray(session.outputMetadata);
    return known ? session : undefined;
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

async function openByPackage(
  options: SessionOptions,
  settings: Ort.InferenceSession.SessionOptions,
  model: PlainModel | undefined,
): Promise<RuntimeSession> {
  hideFloat16Array();
  const ort = requireHere('onnxruntime-node') as typeof Ort;
  ort.env.logLevel = 'fatal';
  checkProviders(options, ort.listSupportedBackends());
  const session =
    model === undefined
      ? await ort.InferenceSession.create(options.modelFile, settings)
      : await ort.InferenceSession.create(model.bytes, settings);
  const { inputs, outputs } = signatureOf(session.inputMetadata, session.outputMetadata, model);
  return {
    inputs,
    outputs,
    async run(tensors) {
      const feeds: Record<string, Ort.Tensor> = {};
      for (const { name, datatype, data, shape } of tensors) {
        // One of a dozen overloads; which one is known only now.
        feeds[name] = new ort.Tensor(elementTypeOf(datatype) as 'float32', data as Float32Array, shape);
      }
      return collect(outputs, await session.run(feeds));
    },
    release: () => session.release(),
  };
}

/** Version 1.30.0 fails on every float16 tensor where this type exists (Node 24), and takes `Uint16Array` where not. */
function hideFloat16Array(): void {
  Reflect.deleteProperty(globalThis, 'Float16Array');
}

function ortOptions(options: SessionOptions, exactly: boolean): Ort.InferenceSession.SessionOptions {
  // A spinning thread takes a core from another session; the binding wants every value as text.
  const threads = { allow_spinning: '0' };
  return {
    executionProviders: [...options.executionProviders],
    intraOpNumThreads: options.intraOpThreads,
    interOpNumThreads: options.interOpThreads,
    executionMode: options.interOpThreads > 1 ? 'parallel' : 'sequential',
    graphOptimizationLevel: options.graphOptimization,
    logSeverityLevel: LOG_FATAL_ONLY,
    ...(options.saveTo !== undefined && { optimizedModelFilePath: join(options.saveTo, MODEL_FILE) }),
    extra: {
      session: {
        intra_op: threads,
        inter_op: threads,
        ...(exactly && { x64quantprecision: '1' }),
        ...(options.saveTo !== undefined && options.saveWhole !== true && SAVED_APART),
      },
    },
  };
}

function checkProviders(
  { executionProviders }: SessionOptions,
  supported: readonly { name: string; bundled: boolean }[],
): void {
  const bundled = supported.filter((provider) => provider.bundled).map(({ name }) => name);
  for (const name of executionProviders) {
    if (bundled.includes(name)) continue;
    const platform = `${process.platform}/${process.arch}`;
    const way = `take '${name}' out of execution_providers in model.yaml`;
    if (!supported.some((provider) => provider.name === name)) {
      throw new Error(
        `execution provider '${name}' is not available: onnxruntime-node has none for ${platform}, only ${supported.map((provider) => provider.name).join(', ')}; ${way}`,
      );
    }
    if (hasLibrary(name)) continue;
    throw new Error(
      `execution provider '${name}' is not available: the npm package of onnxruntime-node has no library of it for ${platform}, only of ${bundled.join(' and ')}. ${way}, or fetch the library (node node_modules/onnxruntime-node/script/install) where its driver and libraries are installed`,
    );
  }
}

/** Has somebody put the library of a provider beside the binding? */
function hasLibrary(provider: string): boolean {
  try {
    const binaries = join(dirname(requireHere.resolve('onnxruntime-node/package.json')), 'bin');
    return readdirSync(binaries).some((abi) =>
      readdirSync(join(binaries, abi, process.platform, process.arch)).some((file) =>
        file.includes(`providers_${provider}`),
      ),
    );
  } catch {
    // Of a package that looks otherwise nothing is known: the runtime will say.
    return true;
  }
}

/** The model without its collections; undefined where the file is to be loaded as it is. */
function readModel({ cutCollections: cut, modelFile }: SessionOptions): PlainModel | undefined {
  return cut ? cutCollections(readFileSync(modelFile)) : undefined;
}

function signatureOf(
  inputs: readonly OrtValueMetadata[],
  outputs: readonly OrtValueMetadata[],
  model: PlainModel | undefined,
): SessionSignature {
  return {
    inputs: inputs.map((metadata) => specOf('input', metadata)),
    outputs: outputs.map((metadata) => {
      const spec = specOf('output', metadata);
      const labels = model?.labels.get(spec.name);
      return labels === undefined ? spec : { ...spec, labels };
    }),
  };
}

function collect(outputs: readonly TensorSpec[], results: Record<string, OrtTensor>): Tensor[] {
  return outputs.map(({ name, datatype }) => {
    const result = results[name];
    if (result === undefined) throw new Error(`the model gave no output '${name}'`);
    return { name, datatype, shape: result.dims, data: result.data };
  });
}
