import { existsSync } from 'node:fs';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { sha256OfFile } from '../../common/file-digest';
import { reasonOf } from '../../errors/domain-error';
import { checkProven, keepable, OPTIMIZED, outputsOf } from '../../models/loading/proven-answer';
import { type ExternalDataFile, inspectModel } from '../../models/repository/onnx-file/external-data';
import { type LocalModel, localModel } from '../bench/target';
import { UsageError } from '../command';
import { placeOf } from '../place';
import type { Asked } from './asked';
import { Builder, type Tell } from './build';
import { Destination } from './destination';
import { chooseForm, FORM_NAMES, type Form, orRefuse, refuseUnfit } from './forms/choose';
import { rewriteExactly } from './forms/exact';
import { checksOf, usualLimits } from './limits';
import { Model } from './onnx/model';
import { faultsOf, prove, type Proof, sizeWithData } from './proof';
import { pageOf, type Report } from './report';
import { splitRows } from './samples';
import { Session } from './session';
import { type Subject, subjectOf } from './subject';

const MAX_BYTES = 2 ** 31 - 1;
/** Fewer rows say little of how often it goes wrong. */
const ENOUGH_ROWS = 200;

/** The whole way, from a model on the disk to a version beside it. @returns what was found; nothing is left where it does not do */
export async function optimizeModel(asked: Asked, stop: AbortSignal, tell: Tell): Promise<Report> {
  const startMs = performance.now();
  const model = await modelOf(asked);
  if (asked.samples !== undefined && !existsSync(asked.samples))
    throw new UsageError(`There is no file ${asked.samples}.`);
  const source = model.versions.find(
    ({ version }) => version === (asked.version ?? model.versions.at(-1)?.version),
  );
  if (source === undefined)
    throw new UsageError(`Model "${model.name}" has no version ${asked.version ?? 'at all'}.`);
  const { form, why, externalData } = await chosenForm(source.file, asked);
  tell('loading');
  const { modelDir, name } = model;
  const subject = await subjectOf({ modelDir, name, version: source.version, samples: asked.samples }, stop);
  const destination = new Destination(model, source.file, source.version, externalData);
  await destination.begin();
  try {
    const about = {
      model: name,
      from: source.version,
      form,
      why: `${FORM_NAMES[form]}, as ${why}`,
      source_sha256: await sha256OfFile(source.file),
      runtime: runtimeVersion(),
      cpu: cpus()[0]?.model.trim() ?? 'an unknown CPU',
    };
    const found = await new Making(asked, form, source.file, subject, destination, stop, tell).make();
    const seconds = Math.round((performance.now() - startMs) / 1000);
    const report: Report = { ...about, ...found, version: null, seconds };
    if (report.faults.length > 0 || report.checks.some(({ ok }) => !ok)) return report;
    tell('writing');
    const written = { ...report, version: destination.version };
    await seal(found.file, written, subject, destination, stop);
    await destination.settle();
    return written;
  } finally {
    await destination.end();
  }
}

async function modelOf({ given, name }: Asked): Promise<LocalModel> {
  if (existsSync(given) && given.endsWith('.onnx')) return localModel(given, name);
  const place = placeOf(given, name);
  return localModel(place.models, place.name);
}

/** @throws UsageError */
async function chosenForm(
  file: string,
  asked: Asked,
): Promise<{ form: Form; why: string; externalData: readonly ExternalDataFile[] }> {
  const refuseAbove = (sizeBytes: number): void => {
    if (sizeBytes > MAX_BYTES) throw new UsageError('It cannot be optimised: it is larger than 2 GiB.');
  };
  refuseAbove((await stat(file)).size);
  const { externalData, metadata } = await inspectModel(file);
  // What is written has its weights in it.
  refuseAbove(await sizeWithData(file));
  return orRefuse(async () => {
    const graph = await Model.read(file, externalData);
    try {
      refuseUnfit(graph, metadata);
      // What it is made of shows better then.
      rewriteExactly(graph);
      return { ...chooseForm(graph, { ...asked, hasSamples: asked.samples !== undefined }), externalData };
    } finally {
      graph.close();
    }
  });
}

type Found = Pick<Report, 'rewritten' | 'left' | 'proof' | 'checks' | 'faults' | 'notJudged'> & {
  readonly file: string;
};

/** Makes one form of a model, and proves it. */
class Making {
  constructor(
    private readonly asked: Asked,
    private readonly form: Form,
    private readonly source: string,
    private readonly subject: Subject,
    private readonly destination: Destination,
    private readonly stop: AbortSignal,
    private readonly tell: Tell,
  ) {}

  async make(): Promise<Found> {
    const { asked, form, subject, stop, tell } = this;
    const isExact = form === 'exact';
    const rows = splitRows(subject.rows, isExact || form === 'half');
    const { judgement } = rows;
    const built = await new Builder(
      asked,
      form,
      this.source,
      subject,
      rows,
      this.destination.work,
      stop,
      tell,
    ).build();
    const notJudged = this.notJudged(judgement.length);
    const nothing = Object.keys(built.rewritten).length === 0;
    if (nothing)
      return { ...built, proof: null, checks: [], faults: ['there is nothing in it to rewrite'], notJudged };
    let proof: Proof;
    try {
      proof = await prove({
        original: this.source,
        candidate: built.file,
        subject,
        rows: judgement,
        folder: this.destination.work,
        stop,
        tell,
      });
    } catch (error) {
      stop.throwIfAborted();
      return {
        ...built,
        proof: null,
        checks: [],
        faults: [`it does not run: ${reasonOf(error)}`],
        notJudged,
      };
    }
    const usual = usualLimits(isExact, subject.own, form === 'half' ? 0.9999 : asked.minAccuracy);
    const checks = checksOf(proof, asked.limits, usual, { isExact, needsSpeed: form !== 'half' });
    return { ...built, proof, checks, faults: faultsOf(proof), notJudged };
  }

  private notJudged(rows: number): string[] {
    const { own } = this.subject;
    return [
      ...(own ? [] : ['your data: the rows were made up, --samples gives some']),
      ...(own && rows < ENOUGH_ROWS ? [`rare cases: ${rows} rows are few, ${ENOUGH_ROWS} say more`] : []),
      'whether the original is right: all is held against its own answers',
      `other CPUs than this one: a server tries the proof as it loads the file`,
    ];
  }
}

/** Writes the version with its record, and sees that the file as it lies there answers what it is to answer. */
async function seal(
  candidate: string,
  report: Report,
  subject: Subject,
  { partial }: Destination,
  stop: AbortSignal,
): Promise<void> {
  const { kept, row } = keepable(subject.rows[0]!);
  const answer = await Session.with(candidate, subject.settings, stop, (session) => session.run(row));
  const outputs = outputsOf(answer);
  if (outputs.some(({ values }) => !values.every(Number.isFinite)))
    throw new Error('it answers with what is no number');
  const { model, from, form, left, proof, source_sha256, runtime, cpu } = report;
  const record = JSON.stringify({
    model,
    from,
    form,
    left,
    source_sha256,
    runtime,
    cpu,
    figures: proof,
    proof: { inputs: kept, outputs },
  });
  const whole = new Model(await readFile(candidate));
  whole.metadata.set(OPTIMIZED, record);
  const file = join(partial, 'model.onnx');
  await whole.write(file);
  whole.close();
  await Session.with(file, subject.settings, stop, (session) =>
    checkProven({ inputs: [], outputs: [], run: async ([inputs]) => session.run(inputs ?? []) }, record),
  );
  await writeFile(join(partial, 'report.json'), `${JSON.stringify(report, undefined, 2)}\n`);
  await writeFile(join(partial, 'report.html'), pageOf(report));
}

function runtimeVersion(): string {
  const { version } = createRequire(__filename)('onnxruntime-node/package.json') as { version: string };
  return version;
}
