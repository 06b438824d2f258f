import { open, stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { readModelGraph } from '../models/repository/onnx-file/read-model-graph';
import { inspectModel } from '../models/repository/onnx-file/external-data';
import type { ModelDetails, TensorDescription } from '../protocols/native/model-description';
import { type Command, UsageError } from './command';

/** What one can know of a model without a server. */
interface Inspection {
  readonly file: string;
  readonly size_bytes: number;
  readonly external_data: readonly { file: string; size_bytes: number }[];
  readonly opset: number;
  /** How often each operator occurs, the most frequent first; those of other domains with their domain. */
  readonly operators: Readonly<Record<string, number>>;
  /** As the server would show it: inputs, outputs, batching, a request that works; or why it cannot be loaded. */
  readonly model: Partial<ModelDetails>;
}

export const inspect: Command = {
  summary: 'show what a model file takes, gives and is made of',
  help: `Usage: nestor inspect <file.onnx> [--json]

Loads the model once, as a server would, and shows its inputs and outputs, its operators, whether its requests may run
together, and a request that works.

Examples:
  nestor inspect model.onnx
  nestor inspect model.onnx --json | jq .operators`,

  async run(args, output) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { json: { type: 'boolean', default: false } },
    });
    const [given, ...more] = positionals;
    if (given === undefined || more.length > 0) throw new UsageError('`nestor inspect` takes one file.');
    const found = await inspection(resolve(given));
    if (values.json) output.out(JSON.stringify(found));
    else for (const line of linesOf(found)) output.out(line);
    return found.model.state === 'READY' ? 0 : 1;
  },
};

async function inspection(file: string): Promise<Inspection> {
  const stats = await stat(file);
  if (!stats.isFile()) throw new UsageError(`A file is wanted, and ${file} is a folder.`);
  const { size } = stats;
  const { externalData } = await inspectModel(file);
  const handle = await open(file, 'r');
  const { graph, opset } = await readModelGraph(handle, size).finally(() => handle.close());
  const counts = new Map<string, number>();
  for (const { operator, domain } of graph.nodes) {
    const name = domain === '' ? operator : `${domain}.${operator}`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const { openModels } = await import('./open-models.js');
  const nestor = await openModels(file);
  try {
    const [model = {}] = await nestor.models();
    return {
      file: basename(file),
      size_bytes: size,
      external_data: externalData.map(({ location, sizeBytes }) => ({
        file: location,
        size_bytes: sizeBytes,
      })),
      opset,
      operators: Object.fromEntries([...counts].sort(([, a], [, b]) => b - a)),
      model,
    };
  } finally {
    await nestor.close();
  }
}

function linesOf({ file, size_bytes, external_data, opset, operators, model }: Inspection): string[] {
  const lines = [`${file}: ${size_bytes} bytes, opset ${opset}`];
  for (const data of external_data) lines.push(`  and ${data.file}: ${data.size_bytes} bytes`);
  if (model.state !== 'READY') lines.push(`cannot be loaded: ${model.reason ?? 'no reason is known'}`);
  if (model.hint !== undefined) lines.push(`what to do: ${model.hint}`);
  if (model.takes !== undefined) lines.push(`${model.takes} -> ${model.gives}`);
  lines.push(...tensorLines('takes', model.inputs), ...tensorLines('gives', model.outputs));
  const { batching, example } = model;
  if (batching !== undefined)
    lines.push(
      batching.enabled
        ? 'requests run together'
        : `requests run one by one: ${batching.reason ?? 'by choice'}`,
    );
  const most = Object.entries(operators).map(([name, count]) => `${name} ${count}`);
  lines.push(`operators: ${most.join(', ') || 'none'}`);
  if (example !== undefined) lines.push(`a request that works: ${JSON.stringify(example)}`);
  return lines;
}

function tensorLines(verb: string, tensors: readonly TensorDescription[] | undefined): string[] {
  return (tensors ?? []).map(
    ({ name, datatype, shape }) =>
      `${verb} ${name}: ${datatype} [${shape.map((size) => (size === -1 ? 'any' : size)).join(', ')}]`,
  );
}
