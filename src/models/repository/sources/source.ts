import type { IncomingMessage } from 'node:http';

/** A file of a model as a source lists it. */
export interface SourceFile {
  /** Where it goes in the model's folder, with `/`; safe to join. */
  readonly path: string;
  /** Undefined where the source tells it with the first byte only. */
  readonly sizeBytes: number | undefined;
  /** Another one for another content: a digest, an ETag. */
  readonly identity: string;
  /** In hex digits; undefined where the source does not tell. */
  readonly sha256: string | undefined;
  /** The bytes from `offset` on (status 206), or all of them (200). */
  open(offset: number, signal: AbortSignal): Promise<IncomingMessage>;
}

export interface SourceModel {
  readonly name: string;
  readonly files: readonly SourceFile[];
}

/** Where models are kept. */
export interface Source {
  /** As it was written, without what may be secret. */
  readonly label: string;
  /** @throws SourceFault */
  list(signal: AbortSignal): Promise<readonly SourceModel[]>;
}

/** Why a source gives nothing. The message is for the operator and holds no credential. */
export class SourceFault extends Error {
  override readonly name = 'SourceFault';

  constructor(
    message: string,
    /** May it be otherwise in a moment? */
    readonly passing = false,
    /** How long the source asks to wait. */
    readonly retryAfterMs?: number,
  ) {
    super(message);
  }
}

/** Files of one model. */
export const MAX_FILES = 10_000;

/**
 * A file's place below a model's folder, from a key or a name that anybody may have chosen.
 * @returns undefined for what is passed over: folders, and names that begin with a dot
 * @throws SourceFault where it is no plain relative path
 */
export function placeOf(path: string): string | undefined {
  if (path === '' || path.endsWith('/')) return undefined;
  const parts = path.split('/');
  for (const part of parts) {
    if (part === '' || part === '.' || part === '..' || /[\\\0]/.test(part) || part.length > 255) {
      throw new SourceFault(`has a file that no folder can hold: ${JSON.stringify(path.slice(0, 200))}`);
    }
  }
  return parts.some((part) => part.startsWith('.')) ? undefined : path;
}

/**
 * The models among files: all of them one model, where they are what a model's folder has (`model.onnx`, `1/model.onnx`,
 * `onnx/model.onnx`), else each folder and each `.onnx` file at the top is one.
 * @param own the name of the one model
 */
export function modelsOf(files: readonly SourceFile[], own: string): SourceModel[] {
  const isOne = files.some(({ path }) => /^(?:[0-9]+\/|onnx\/)?model\.onnx$/.test(path));
  if (isOne)
    return [
      { name: own, files: files.map((file) => (file.path === 'model.onnx' ? inFolder(file, files) : file)) },
    ];
  const models = new Map<string, SourceFile[]>();
  for (const file of files) {
    const slash = file.path.indexOf('/');
    const isFlat = slash < 0;
    if (isFlat && !file.path.endsWith('.onnx')) continue;
    const name = isFlat ? file.path.slice(0, -'.onnx'.length) : file.path.slice(0, slash);
    const path = isFlat ? '1/model.onnx' : file.path.slice(slash + 1);
    const of = models.get(name) ?? [];
    of.push({ ...file, path });
    models.set(name, of);
  }
  return [...models].map(([name, of]) => ({ name, files: of }));
}

/** A model file at the top is version 1, unless the folder is as Hugging Face has it. */
function inFolder(file: SourceFile, all: readonly SourceFile[]): SourceFile {
  return all.some(({ path }) => path === 'config.json') ? file : { ...file, path: '1/model.onnx' };
}
