import { again } from './again';
import { parseSource } from './parse-source';
import type { Variables } from './credentials';
import { type Pulled, PulledModels, type PullOptions } from './pulled-models';
import { type Source, type SourceModel, SourceFault } from './source';

export type PullResult = Pulled | { readonly source: string; readonly fault: string };

/**
 * Brings models from where they are kept into a model folder, each whole or not at all. A source that fails costs the
 * others nothing.
 * @param sources as {@link parseSource} takes them
 * @returns what came of each model, and of each source that gave none
 * @throws SourceFault where a source is written wrongly: before anything is fetched
 */
export async function pullSources(
  sources: readonly string[],
  dir: string,
  env: Variables,
  options: PullOptions & { onResult?(result: PullResult): void },
): Promise<PullResult[]> {
  const parsed = sources.map((text) => parseSource(text, env));
  const folder = new PulledModels(dir);
  const results: PullResult[] = [];
  const tell = (result: PullResult): void => {
    results.push(result);
    options.onResult?.(result);
  };
  const taken = new Map<string, string>();
  await folder.alone(options.signal, async () => {
    for (const source of parsed) {
      for (const model of await listed(source, options.signal, tell)) {
        await tried(source, options.signal, tell, async () => {
          const other = taken.get(model.name);
          if (other !== undefined) throw new SourceFault(`has a model ${model.name}, and so has ${other}`);
          taken.set(model.name, source.label);
          tell(await folder.pull(model, options));
        });
      }
    }
  });
  return results;
}

async function listed(
  source: Source,
  signal: AbortSignal,
  tell: (result: PullResult) => void,
): Promise<readonly SourceModel[]> {
  let models: readonly SourceModel[] = [];
  await tried(source, signal, tell, async () => {
    models = await again(signal, () => source.list(signal));
  });
  return models;
}

async function tried(
  source: Source,
  signal: AbortSignal,
  tell: (result: PullResult) => void,
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    signal.throwIfAborted();
    tell({ source: source.label, fault: error instanceof SourceFault ? error.message : diskFault(error) });
  }
}

function diskFault(error: unknown): string {
  const { code, syscall } = error as NodeJS.ErrnoException;
  return code === undefined
    ? String(error)
    : `cannot be written to the model folder: ${code} at ${syscall ?? 'a call'}`;
}
