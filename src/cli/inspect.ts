import { existsSync } from 'node:fs';
import { open, readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { readModelGraph } from '../models/repository/onnx-file/read-model-graph';
import { inspectModel } from '../models/repository/onnx-file/external-data';
import type {
  DeclaredDescription,
  ModelDetails,
  TensorDescription,
} from '../protocols/native/model-description';
import { readArguments } from './arguments';
import { type Command, UsageError } from './command';
import { isOneModel, placeOf } from './place';

/** What one can know of a model without a server. */
interface Inspection {
  readonly file: string;
  readonly size_bytes: number;
  readonly external_data: readonly { file: string; size_bytes: number }[];
  readonly opset: number;
  /** Elements of all weights. */
  readonly parameters: number;
  /** How often each operator occurs, the most frequent first; those of other domains with their domain. */
  readonly operators: Readonly<Record<string, number>>;
  /**
   * As the server would show it: inputs, outputs, what is declared or was recognised of pictures, texts and rows, batching,
   * a request that works; or why it cannot be loaded.
   */
  readonly model: Partial<ModelDetails>;
}

export const inspect: Command = {
  summary: 'show what a model file takes, gives and is made of',
  help: `Usage: nestor inspect <model> [--json]

The model is a file, the folder of one (its newest version), or a name in MODEL_DIR.

Loads the model once, as a server would, and shows its inputs and outputs, what is recognised of pictures, texts and
rows where the file lies in a model's folder, its operators, whether its requests may run together, and a request that
works.

Examples:
  nestor inspect model.onnx
  nestor inspect models/digits
  nestor inspect model.onnx --json | jq .operators`,

  async run(args, output) {
    const { values, positionals } = readArguments(args, {
      allowPositionals: true,
      options: { json: { type: 'boolean', default: false } },
    });
    const [given, ...more] = positionals;
    if (given === undefined || more.length > 0) throw new UsageError('`nestor inspect` takes one model.');
    const found = await inspection(await fileOf(given));
    if (values.json) output.out(JSON.stringify(found));
    else for (const line of linesOf(found)) output.out(line);
    return found.model.state === 'READY' ? 0 : 1;
  },
};

/** @throws UsageError where it is not one model */
async function fileOf(given: string): Promise<string> {
  const { models, name } = placeOf(given, undefined);
  const path = name === undefined ? models : join(models, name);
  const stats = await stat(path).catch(() => undefined);
  if (stats?.isFile() === true) return path;
  const entries = stats === undefined ? [] : await readdir(path);
  const versions = entries.filter((entry) => /^\d+$/.test(entry)).sort((a, b) => Number(b) - Number(a));
  for (const folder of ['', 'onnx', ...versions]) {
    const file = join(path, folder, 'model.onnx');
    if (existsSync(file)) return file;
  }
  throw new UsageError(`There is no model.onnx in ${path}, nor in a version of it.`);
}

async function inspection(file: string): Promise<Inspection> {
  const { size } = await stat(file);
  const { externalData } = await inspectModel(file);
  const handle = await open(file, 'r');
  const { graph, opset, parameters } = await readModelGraph(handle, size).finally(() => handle.close());
  const counts = new Map<string, number>();
  for (const { operator, domain } of graph.nodes) {
    const name = domain === '' ? operator : `${domain}.${operator}`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return {
    file: basename(file),
    size_bytes: size,
    external_data: externalData.map(({ location, sizeBytes }) => ({
      file: location,
      size_bytes: sizeBytes,
    })),
    opset,
    parameters,
    operators: Object.fromEntries([...counts].sort(([, a], [, b]) => b - a)),
    model: await modelOf(file),
  };
}

/** With what its folder says of it, where that serves this very file. */
async function modelOf(file: string): Promise<Partial<ModelDetails>> {
  const beside = dirname(file);
  const folder = basename(file) === 'model.onnx' ? [beside, dirname(beside)].find(isOneModel) : undefined;
  if (folder !== undefined) {
    const model = await loaded(dirname(folder), basename(folder));
    if (beside === folder || basename(beside) === 'onnx' || basename(beside) === model.version) return model;
  }
  return loaded(file);
}

async function loaded(models: string, name?: string): Promise<Partial<ModelDetails>> {
  const { openModels } = await import('./open-models.js');
  const nestor = await openModels(models, name);
  try {
    const all: readonly Partial<ModelDetails>[] = await nestor.models();
    return all.find((model) => name === undefined || model.name === name) ?? {};
  } finally {
    await nestor.close();
  }
}

function linesOf(inspection: Inspection): string[] {
  const { file, size_bytes, external_data, opset, parameters, operators, model } = inspection;
  const lines = [`${file}: ${size_bytes} bytes, opset ${opset}, ${parameters} parameters`];
  for (const data of external_data) lines.push(`  and ${data.file}: ${data.size_bytes} bytes`);
  if (model.state !== 'READY') lines.push(`cannot be loaded: ${model.reason ?? 'no reason is known'}`);
  if (model.hint !== undefined) lines.push(`what to do: ${model.hint}`);
  if (model.takes !== undefined) lines.push(`${model.takes} -> ${model.gives}`);
  const { batching, pipeline } = model;
  lines.push(...tensorLines('takes', model.inputs), ...tensorLines('gives', model.outputs));
  lines.push(...declaredLines('takes', pipeline?.input), ...declaredLines('gives', pipeline?.output));
  if (model.pipeline_reason !== undefined) lines.push(`not recognised: ${model.pipeline_reason}`);
  if (batching !== undefined)
    lines.push(
      batching.enabled
        ? 'requests run together'
        : `requests run one by one: ${batching.reason ?? 'by choice'}`,
    );
  const most = Object.entries(operators).map(([name, count]) => `${name} ${count}`);
  lines.push(`operators: ${most.join(', ') || 'none'}`);
  const declared = pipeline?.example;
  const example = declared !== undefined && 'body' in declared ? declared.body : model.example;
  if (example !== undefined) lines.push(`a request that works: ${JSON.stringify(example)}`);
  return lines;
}

/** `takes text "text": max_length 256 (sentence_bert_config.json), pad_token "[PAD]" (tokenizer_config.json)` */
function declaredLines(verb: string, declared: Readonly<Record<string, DeclaredDescription>> = {}): string[] {
  return Object.entries(declared).map(([name, { type, ...keys }]) => {
    const values = Object.entries(keys).map(([key, sourced]) =>
      typeof sourced === 'string'
        ? `${key} ${sourced}`
        : `${key} ${JSON.stringify(sourced.value)} (${sourced.from})`,
    );
    return `${verb} ${type} "${name}"${values.length > 0 ? ': ' : ''}${values.join(', ')}`;
  });
}

function tensorLines(verb: string, tensors: readonly TensorDescription[] | undefined): string[] {
  return (tensors ?? []).map(
    ({ name, datatype, shape, dimensions }) =>
      `${verb} ${name}: ${datatype} [${shape.map((size, at) => (size === -1 ? (dimensions?.[at] ?? 'any') : size)).join(', ')}]`,
  );
}
