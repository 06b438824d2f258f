import { existsSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname, extname, resolve } from 'node:path';
import { readEnvironment } from '../../config/settings';
import { isJsonObject, type JsonObject, type JsonValue } from '../../config/yaml/json-value';
import { ModelFolder } from '../../models/repository/model-folder';
import type { ModelFiles } from '../../models/repository/model-files';
import type { ModelDetails } from '../../protocols/native/model-description';
import { UsageError } from '../command';
import type { LoadRequest } from './http-load';

const ASK_MS = 120_000;
const PICTURES: Readonly<Record<string, string>> = {
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.png': 'image/png',
  '.webp': 'image/webp',
};

/** A model on this disk. */
export interface LocalModel extends ModelFiles {
  /** What a server is to be started with: a folder, or the one file. */
  readonly modelDir: string;
}

/** What is meant by a path, or by a name in the model folder. @throws UsageError where there is no such model */
export async function localModel(given: string, name: string | undefined): Promise<LocalModel> {
  if (!existsSync(given)) return inFolder(resolve(readEnvironment().MODEL_DIR || 'models'), name ?? given);
  const path = resolve(given);
  if (statSync(path).isDirectory()) return inFolder(path, name);
  const only = basename(path, '.onnx');
  const files = await new ModelFolder(dirname(path), { name: only, file: basename(path) }).find(only);
  if (extname(path) !== '.onnx' || files === undefined)
    throw new UsageError(`${given} is neither a model folder nor an .onnx file.`);
  return { ...files, modelDir: path };
}

async function inFolder(modelDir: string, name: string | undefined): Promise<LocalModel> {
  const { models } = await new ModelFolder(modelDir).scan();
  const model =
    name === undefined && models.length === 1 ? models[0] : models.find((each) => each.name === name);
  if (model !== undefined) return { ...model, modelDir };
  const known = models.map((each) => each.name).join(', ') || 'none';
  throw new UsageError(
    `${name === undefined ? 'Which model? Give --model' : `There is no model "${name}" in ${modelDir}`}; there are: ${known}.`,
  );
}

/** A server and a model of it, as it describes it. */
export class Target {
  private constructor(
    /** With the API's prefix. */
    private readonly url: string,
    readonly details: ModelDetails,
    private readonly headers: Readonly<Record<string, string>>,
  ) {}

  /** @throws Error where it does not answer, or refuses */
  static async ask(
    url: string,
    model: string,
    key: string | undefined,
    signal: AbortSignal,
  ): Promise<Target> {
    const headers: Record<string, string> = key === undefined ? {} : { authorization: `Bearer ${key}` };
    const address = `${url}/inference/${encodeURIComponent(model)}`;
    const limit = AbortSignal.any([signal, AbortSignal.timeout(ASK_MS)]);
    const answer = await fetch(address, { headers, signal: limit }).catch((error: unknown) => {
      signal.throwIfAborted();
      throw new Error(`${address} does not answer: is the server running there?`, { cause: error });
    });
    const body = (await answer.json().catch(() => undefined)) as
      (ModelDetails & { message?: string }) | undefined;
    if (!answer.ok || body === undefined)
      throw new Error(body?.message ?? `${address} answered ${answer.status}, and no model`);
    return new Target(url, body, headers);
  }

  /** The tensors of the model's example; undefined where it is not known, or too large to be told. */
  get example(): JsonObject | undefined {
    return this.details.example as JsonObject | undefined;
  }

  /**
   * The request that is measured: what is given, else the model's example. The cache is left out.
   * @param given JSON, or the name of a file of it or of a picture
   * @throws UsageError
   */
  async request(given: string | undefined): Promise<LoadRequest> {
    const [body, type] = await this.bodyOf(given);
    const url = new URL(`${this.url}/inference/${encodeURIComponent(this.details.name)}?use_cache=false`);
    return { url, body, headers: { ...this.headers, 'content-type': type } };
  }

  private async bodyOf(given: string | undefined): Promise<[Buffer, string]> {
    if (given !== undefined) {
      const picture = PICTURES[extname(given).toLowerCase()];
      if (picture !== undefined) return [await readFile(given), picture];
      const text = given.trimStart().startsWith('{') ? given : await readFile(given, 'utf8');
      return [Buffer.from(JSON.stringify(parsed(text))), 'application/json'];
    }
    const body = this.example ?? this.declaredBody;
    if (body !== undefined) return [Buffer.from(JSON.stringify(body)), 'application/json'];
    throw new UsageError(
      `Model "${this.details.name}" has no example: give a request with --input, or put one into its model.yaml.`,
    );
  }

  private get declaredBody(): unknown {
    const example = this.details.pipeline?.example;
    return example !== undefined && 'body' in example ? example.body : undefined;
  }
}

function parsed(text: string): JsonObject {
  let value: JsonValue;
  try {
    value = JSON.parse(text) as JsonValue;
  } catch (error) {
    throw new UsageError(`The input is not JSON: ${(error as Error).message}`);
  }
  if (!isJsonObject(value)) throw new UsageError('The input must be a JSON object.');
  return value;
}
