import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { inspectModel } from '../../models/repository/onnx-file/external-data';
import { MODEL_FILE } from '../../runners/onnx/prepared/prepared';
import { UsageError } from '../command';
import { type Accuracy, accuracyOf } from './accuracy';
import type { Asked } from './asked';
import type { Form } from './forms/choose';
import { type Rewritten, rewriteExactly } from './forms/exact';
import { halveWeights } from './forms/half-weights';
import { quantiseTables } from './forms/int8-tables';
import { productsOf, quantiseRows } from './forms/row-int8';
import { convolutionsOf, planStatic, quantiseStatically, withFollowers } from './forms/static-int8';
import { observe, type Seen } from './observe';
import { Model } from './onnx/model';
import type { Split } from './samples';
import { search } from './search';
import { Session } from './session';
import type { Subject } from './subject';

export type Tell = (words: string) => void;

/** A form of a model, in a file. */
export interface Built {
  readonly file: string;
  readonly rewritten: Rewritten;
  /** Operators that stay as they are, by what they give. */
  readonly left: readonly string[];
}

/** Makes a form of a model; of several that would do, the one that leaves the fewest operators as they are. */
export class Builder {
  private readonly endMs: number;
  private files = 0;

  constructor(
    private readonly asked: Asked,
    private readonly form: Form,
    private readonly source: string,
    private readonly subject: Subject,
    private readonly rows: Split,
    private readonly folder: string,
    private readonly stop: AbortSignal,
    private readonly tell: Tell,
  ) {
    this.endMs = performance.now() + asked.maxSeconds * 1000;
  }

  async build(): Promise<Built> {
    this.tell('rewriting');
    const { externalData } = await inspectModel(this.source);
    const model = await Model.read(this.source, externalData);
    const exactly = rewriteExactly(model);
    if (this.form === 'row') return this.rowForm(model, exactly);
    if (this.form === 'static') return this.staticForm(model, exactly);
    const halved = this.form === 'half' ? halveWeights(model) : 0;
    return this.write(model, { ...exactly, ...(halved > 0 && { 'weights in 16 bits': halved }) }, []);
  }

  private async rowForm(exact: Model, exactly: Rewritten): Promise<Built> {
    const products = productsOf(exact).map(({ node }) => node);
    const seen = await this.seen(exact, [...new Set(products.map(({ inputs }) => inputs[0]!))]);
    const magnitudes = new Map([...seen].map(([name, each]) => [name, each.magnitudes]));
    const base = await this.write(exact, exactly, []);
    return this.searched(
      products.map(({ output }) => output),
      async (left) => {
        const model = new Model(await readFile(base.file));
        const rewritten = {
          ...exactly,
          'products with int8 rows': quantiseRows(model, { left: new Set(left), magnitudes }),
          'look-ups in int8 tables': quantiseTables(model),
          ...(magnitudes.size > 0 && { 'activations smoothed by the samples': magnitudes.size }),
        };
        return [await this.write(model, withoutNone(rewritten), left)];
      },
    );
  }

  private async staticForm(exact: Model, exactly: Rewritten): Promise<Built> {
    const foldedFile = await this.folded(exact);
    const folded = new Model(await readFile(foldedFile));
    const names = convolutionsOf(folded);
    const seen = await this.seen(folded, planStatic(folded, new Set()).values);
    return this.searched(names, async (left) => {
      const all = withFollowers(folded, left);
      const ways = all.length === left.length ? [left] : [left, all];
      const made: Built[] = [];
      // What the runtime does between two in eight bits differs from what was left: the better way is measured.
      for (const way of ways) {
        const model = new Model(await readFile(foldedFile));
        const count = quantiseStatically(model, planStatic(model, new Set(way)), seen);
        made.push(
          await this.write(model, withoutNone({ ...exactly, 'convolutions and layers in int8': count }), way),
        );
      }
      return made;
    });
  }

  /** A file with constants worked out, and normalisation in the weights, as the runtime does it. */
  private async folded(model: Model): Promise<string> {
    const { settings } = this.subject;
    const written = await this.write(model, {}, []);
    const saveTo = await mkdtemp(join(this.folder, 'folded-'));
    await Session.with(written.file, settings, this.stop, () => Promise.resolve(), {
      graphOptimization: 'basic',
      saveTo,
      saveWhole: true,
    });
    return join(saveTo, MODEL_FILE);
  }

  /** Nothing where nobody gave samples. */
  private async seen(model: Model, names: readonly string[]): Promise<ReadonlyMap<string, Seen>> {
    if (!this.subject.own) return new Map();
    this.tell('looking at the samples');
    const { settings, joining } = this.subject;
    const file = join(this.folder, 'observed.onnx');
    const rows = this.rows.calibration;
    return observe(model, names, { file, rows, settings, joining, stop: this.stop });
  }

  private async searched(
    names: readonly string[],
    make: (left: readonly string[]) => Promise<readonly Built[]>,
  ): Promise<Built> {
    if (names.length === 0) throw new UsageError(`There is nothing in it for --form ${this.form}.`);
    const { subject, rows, stop, tell, asked } = this;
    const { settings, joining, nature } = subject;
    const ours = await Session.with(this.source, settings, stop, (session) =>
      session.answers(rows.search, joining),
    );
    const measure = async ({ file }: Built): Promise<Accuracy> => {
      const theirs = await Session.with(file, settings, stop, (session) =>
        session.answers(rows.search, joining),
      );
      return accuracyOf(rows.search, ours, theirs, nature);
    };
    const mayGoOn = (): boolean => !stop.aborted && performance.now() < this.endMs;
    const drop = ({ file }: Built): Promise<void> => rm(file, { force: true });
    const best = await search({ names, make, measure, drop, wanted: asked.minAccuracy, mayGoOn, tell });
    return best.made;
  }

  /** @param model is closed then */
  private async write(model: Model, rewritten: Rewritten, left: readonly string[]): Promise<Built> {
    const file = join(this.folder, `${this.files++}.onnx`);
    await model.write(file);
    model.close();
    return { file, rewritten, left };
  }
}

function withoutNone(counts: Rewritten): Rewritten {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
}
