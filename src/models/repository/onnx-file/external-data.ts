import { open, realpath, stat, type FileHandle } from 'node:fs/promises';
import { basename, dirname, isAbsolute, normalize, sep } from 'node:path';
import { DomainError } from '../../../errors/domain-error';
import { modelStructure, type ModelStructure } from './external-tensors';
import { type InputColumn, inputColumns } from './input-columns';
import type { Graph, GraphNode } from './model-graph';
import { readModelGraph } from './read-model-graph';
import { explained, fileErrorReason, isInside } from '../../../common/safe-path';
import { MalformedMessage } from './protobuf-cursor';
import { randomReason } from './random-operators';
import { rowCoupling } from './row-coupling';

/** A file of weights beside a model. https://onnx.ai/onnx/repo-docs/ExternalData.html */
export interface ExternalDataFile {
  /** As the model names it, relative to its own folder. */
  readonly location: string;
  /** Real absolute path. */
  readonly file: string;
  readonly sizeBytes: number;
}

/** A protobuf message has at most 2 GiB. */
const MAX_MODEL_BYTES = 2 ** 31 - 1;

/** What a look into a model's file tells before it is loaded. */
export interface ModelContents {
  /** In the order of their locations. */
  readonly externalData: ExternalDataFile[];
  /** Those of its graph, of graphs within it and of its functions; of other domains than ONNX's own as `domain.operator`. */
  readonly operators: ReadonlySet<string>;
  /** Those of them that make its outputs. */
  readonly lastOperators: ReadonlySet<string>;
  /** How many there are, those of graphs within the graph included; Infinity where it cannot be looked through. */
  readonly nodes: number;
  /** Why the same request may get another answer the next time; undefined where nothing says that it may. */
  readonly random: string | undefined;
  /** Why rows of one batch can change each other's answers; undefined where nothing in the graph says that they can. */
  readonly coupling: string | undefined;
  /** Inputs that the file itself has a value for, which no request can give. */
  readonly defaulted: readonly string[];
  /** What whoever exported it says of it. */
  readonly metadata: ReadonlyMap<string, string>;
  /** The name of what exported it. */
  readonly producer: string;
  /** Its inputs, where each of them is one column. */
  readonly columns: readonly InputColumn[];
}

type GraphTraits = Omit<ModelContents, 'externalData' | 'metadata'>;

/** @throws what `inspectModel` throws */
export async function findExternalData(modelFile: string): Promise<ExternalDataFile[]> {
  return (await inspectModel(modelFile)).externalData;
}

/**
 * Looks into a model. Each of its external data files must be there, be as long as the
 * model says, and lie in the folder of the model file (or in that of the file which it is a link to), as the
 * runtime demands too. Reads the model's structure only; its weights are skipped.
 * @param modelFile a path that the repository found, so it is known to lie in the model folder
 * @throws DomainError `model_unavailable`, with a reason without absolute paths
 */
export async function inspectModel(modelFile: string): Promise<ModelContents> {
  const folder = dirname(modelFile);
  const file = await explained(folder, modelFile, open(modelFile, 'r'));
  let structure: ModelStructure;
  let traits: GraphTraits;
  try {
    structure = await readStructure(file, basename(modelFile));
    traits = await readTraits(file);
  } finally {
    await file.close();
  }
  const { locations, metadata } = structure;
  if (locations.size === 0) return { externalData: [], metadata, ...traits };
  const folders = await explained(
    folder,
    modelFile,
    Promise.all([realpath(folder), realpath(modelFile).then(dirname)]),
  );
  const externalData: ExternalDataFile[] = [];
  for (const [location, neededBytes] of [...locations].sort(([a], [b]) => (a < b ? -1 : 1))) {
    externalData.push(await resolve(location, neededBytes, folder, folders));
  }
  return { externalData, metadata, ...traits };
}

async function readStructure(file: FileHandle, name: string): Promise<ModelStructure> {
  try {
    const stats = await file.stat();
    if (!stats.isFile()) throw new MalformedMessage('it is no file');
    if (stats.size > MAX_MODEL_BYTES) {
      throw new MalformedMessage('it is larger than 2 GiB; export it with external data');
    }
    return await modelStructure(file, stats.size);
  } catch (error) {
    const reason = error instanceof MalformedMessage ? error.message : fileErrorReason(error);
    throw new DomainError('model_unavailable', `${name} cannot be used: ${reason}`, { cause: error });
  }
}

/** A graph that cannot be looked through may be one that should be found in it. */
async function readTraits(file: FileHandle): Promise<GraphTraits> {
  try {
    const graph = await readModelGraph(file, (await file.stat()).size);
    const ends = new Set(graph.graph.outputs);
    const nodes = [...nodesOf(graph.graph)];
    return {
      operators: namesOf(nodes),
      lastOperators: namesOf(graph.graph.nodes.filter(({ outputs }) => outputs.some((one) => ends.has(one)))),
      nodes: nodes.length,
      random: randomReason(graph),
      coupling: rowCoupling(graph),
      defaulted: graph.defaulted,
      producer: graph.producer,
      columns: inputColumns(graph),
    };
  } catch (error) {
    if (!(error instanceof MalformedMessage)) throw error;
    const reason = `its graph cannot be looked through: ${error.message}`;
    const unknown = {
      operators: new Set<string>(),
      lastOperators: new Set<string>(),
      nodes: Infinity,
      defaulted: [],
      producer: '',
      columns: [],
    };
    return { ...unknown, random: reason, coupling: reason };
  }
}

function namesOf(nodes: readonly GraphNode[]): ReadonlySet<string> {
  return new Set(nodes.map(({ domain, operator }) => (domain === '' ? operator : `${domain}.${operator}`)));
}

/** Its nodes, and those of the graphs within them. */
function* nodesOf({ nodes }: Graph): Iterable<GraphNode> {
  for (const node of nodes) {
    yield node;
    for (const { graphs } of node.attributes.values()) for (const graph of graphs) yield* nodesOf(graph);
  }
}

async function resolve(
  location: string,
  neededBytes: number,
  folder: string,
  folders: readonly string[],
): Promise<ExternalDataFile> {
  const fault = (reason: string, cause?: unknown): DomainError =>
    new DomainError('model_unavailable', `external data ${printLocation(location)} ${reason}`, { cause });
  if (isAbsolute(location) || normalize(location).split(sep)[0] === '..') {
    throw fault("leaves the model's folder");
  }
  try {
    // Not `join`, which resolves `..` before the links: the system and the runtime do it after.
    const file = await realpath(folder + sep + location);
    if (!folders.some((allowed) => isInside(allowed, file))) {
      throw fault("is a symbolic link that leaves the model's folder");
    }
    const stats = await stat(file);
    if (!stats.isFile()) throw fault('is not a file');
    if (stats.size < neededBytes) throw fault(`has ${stats.size} of ${neededBytes} bytes`);
    return { location, file, sizeBytes: stats.size };
  } catch (error) {
    if (error instanceof DomainError) throw error;
    throw fault(`cannot be read: ${fileErrorReason(error)}`, error);
  }
}

function printLocation(location: string): string {
  return JSON.stringify(location.length > 100 ? `${location.slice(0, 100)}...` : location);
}
