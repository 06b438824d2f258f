import { constants, copyFileSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { mkdtempSync } from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import { parseDocument } from 'yaml';
import type { Figures } from './figures';
import type { LocalModel } from './target';

/** Keys of `model.yaml` that are tried, and their values. */
const TRIED = ['intra_op_threads', 'instances', 'max_batch_rows'] as const;
export type Keys = Readonly<Partial<Record<(typeof TRIED)[number], number>>>;

/** How one choice did: with one connection, which shows the latency, and with many. */
export interface Trial {
  readonly keys: Keys;
  readonly one: Figures;
  readonly many: Figures;
}

export interface Tuned {
  /** As `model.yaml` is. */
  readonly asItIs: Trial;
  readonly bestThroughput: Trial;
  readonly bestLatency: Trial;
  readonly trials: readonly Trial[];
  /** Was there no time for the rest? */
  readonly cutShort: boolean;
}

/** Less than this is noise. */
const BETTER = 1.03;

/**
 * Tries one key after the other, each with what was best for throughput of those before.
 * @param measure undefined: these keys do not even load
 */
export async function tune(
  batches: boolean,
  mayGoOn: () => boolean,
  measure: (keys: Keys) => Promise<Trial | undefined>,
): Promise<Tuned> {
  const asItIs = await measure({});
  if (asItIs === undefined) throw new Error('the model does not serve as it is');
  const trials: Trial[] = [asItIs];
  let best = asItIs;
  let cutShort = false;
  for (const key of TRIED) {
    if (key === 'max_batch_rows' && !batches) continue;
    const from = best;
    for (const value of valuesOf(key)) {
      if (!mayGoOn()) {
        cutShort = true;
        break;
      }
      const trial = await measure({ ...from.keys, [key]: value });
      if (trial === undefined) continue;
      trials.push(trial);
      if (trial.many.requests_per_second > best.many.requests_per_second * BETTER) best = trial;
    }
  }
  const quickest = trials.reduce((a, b) =>
    (b.one.p50_ms ?? Infinity) * BETTER < (a.one.p50_ms ?? Infinity) ? b : a,
  );
  return { asItIs, bestThroughput: best, bestLatency: quickest, trials, cutShort };
}

function valuesOf(key: (typeof TRIED)[number]): number[] {
  const cores = availableParallelism();
  const values = {
    intra_op_threads: [1, Math.ceil(cores / 2), cores],
    instances: [1, 2, cores],
    max_batch_rows: [1, 16, 64, 256],
  };
  return [...new Set(values[key])];
}

/** A copy of one model among the temporary files, whose `model.yaml` is another for each trial. */
export class TrialFolder {
  readonly modelDir = mkdtempSync(join(tmpdir(), 'nestor-bench-'));
  private readonly place: string;

  constructor(private readonly model: LocalModel) {
    this.place = join(this.modelDir, model.name);
    const [first] = model.versions;
    if (first === undefined)
      throw new Error(`model "${model.name}" has no file of its own to try things with`);
    const folder = dirname(model.yamlFile);
    const isFlat = dirname(first.file) === folder && basename(first.file) === `${model.name}.onnx`;
    if (isFlat) this.placeFlat(first.file);
    else placeTree(folder, this.place);
  }

  /** The model's own `model.yaml` with these keys. */
  yamlWith(keys: Keys): string {
    const document = parseDocument(typeof this.model.yaml === 'string' ? this.model.yaml : '{}');
    // An empty mapping would be printed in one line.
    if (typeof this.model.yaml !== 'string') document.contents = null;
    for (const [key, value] of Object.entries(keys)) document.set(key, value);
    return document.toString();
  }

  use(keys: Keys): void {
    writeFileSync(join(this.place, 'model.yaml'), this.yamlWith(keys));
  }

  remove(): void {
    rmSync(this.modelDir, { recursive: true, force: true });
  }

  /** What lies beside a file without a folder of its own may belong to it: all but other models and their settings. */
  private placeFlat(file: string): void {
    const version = join(this.place, '1');
    mkdirSync(version, { recursive: true });
    placeFile(file, join(version, 'model.onnx'));
    for (const entry of readdirSync(dirname(file), { withFileTypes: true })) {
      if (!entry.isFile() || ['.onnx', '.yaml', '.yml'].includes(extname(entry.name))) continue;
      placeFile(join(dirname(file), entry.name), join(version, basename(entry.name)));
    }
  }
}

function placeTree(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) placeTree(source, target);
    else if (entry.name !== 'model.yaml') placeFile(source, target);
  }
}

/**
 * A copy, which costs nothing where the file system can share its blocks. A hard link would change the time of the
 * original's own entry, and a server that loads or serves that file takes it for changed.
 */
function placeFile(from: string, to: string): void {
  copyFileSync(from, to, constants.COPYFILE_FICLONE);
}
