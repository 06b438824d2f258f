import { mkdtemp, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { inspectModel } from '../../models/repository/onnx-file/external-data';
import { preparedSession } from '../../runners/onnx/prepared/open-prepared';
import { DATA_FILE } from '../../runners/onnx/prepared/prepared';
import { answerOf, isTelling } from '../../runners/onnx/prepared/probe';
import { rowDifference } from '../../scheduling/row-difference';
import type { Tensor } from '../../tensors/tensor';
import { type Accuracy, accuracyOf } from './accuracy';
import { contrasts, type Joining, type Row, rowOf, together } from './rows';
import { Session, type Settings } from './session';
import type { Subject } from './subject';

/** CPU time of a run of the original and of the other form, medians. */
export interface Speed {
  readonly beforeMs: number;
  readonly afterMs: number;
  readonly times: number;
}

/** What was found of a form. */
export interface Proof {
  readonly originalBytes: number;
  readonly sizeBytes: number;
  readonly accuracy: Accuracy;
  /** Is it rows of the user's own that were judged by? */
  readonly own: boolean;
  /** Of eight rows together, how many are what they are alone, bit for bit; undefined where they never run together. */
  readonly apart: { readonly rows: number; readonly equal: number; readonly original: number } | undefined;
  readonly speed: { readonly one: Speed; readonly eight: Speed | undefined };
  /** Mean cosine between what the runtime makes of it and the same without the runtime's optimisations. */
  readonly unoptimised: number;
  /** Is what the runtime saves of it, for all workers to map, the same to the bit? Undefined: it is too small for that. */
  readonly saved: boolean | undefined;
}

const ROUNDS = 15;
/** Slow models get fewer, when so much time has gone by. */
const LEAST_ROUNDS = 5;
const LONG_MS = 30_000;
/** Below this cosine, the runtime's optimisations make another model of it. */
const LEAST_UNOPTIMISED = 0.99;
const FEW_ROWS = 16;

export interface ProofJob {
  readonly original: string;
  readonly candidate: string;
  readonly subject: Subject;
  /** What is judged by. */
  readonly rows: readonly Row[];
  /** Where the runtime may save what it is asked to. */
  readonly folder: string;
  readonly stop: AbortSignal;
  readonly tell: (words: string) => void;
}

/** Measures a form against the original, with the server's own options. */
export async function prove(job: ProofJob): Promise<Proof> {
  const { original, candidate, subject, rows, stop, tell } = job;
  const { settings, joining } = subject;
  const few = rows.slice(0, FEW_ROWS);
  const { answers, ...measured } = await Session.with(original, settings, stop, (ours) =>
    Session.with(candidate, settings, stop, async (theirs) => {
      tell(`accuracy on ${rows.length} rows`);
      const own = await ours.answers(rows, joining);
      const other = await theirs.answers(rows, joining);
      const accuracy = accuracyOf(rows, own, other, subject.nature);
      tell('rows together and alone');
      const apart = joining && (await apartness(ours, theirs, rows, joining));
      tell('speed');
      const speed = await speeds(ours, theirs, rows, joining);
      return { accuracy, apart, speed, answers: other.slice(0, FEW_ROWS) };
    }),
  );
  // With no other session beside it: each has memory of its own for the weights.
  tell("the same without the runtime's optimisations");
  const disabled = { graphOptimization: 'disabled' } as const;
  const plain = await Session.with(
    candidate,
    settings,
    stop,
    (session) => session.answers(few, joining),
    disabled,
  );
  const unoptimised = accuracyOf(few, plain, answers, subject.nature).cos;
  tell('what is saved of it');
  const saved = await savedIsSame(job, settings);
  const [originalBytes, sizeBytes] = [await sizeWithData(original), await sizeWithData(candidate)];
  return { originalBytes, sizeBytes, own: subject.own, unoptimised, saved, ...measured };
}

/** Bytes of a model, with those of the files of weights beside it. */
export async function sizeWithData(file: string): Promise<number> {
  const { externalData } = await inspectModel(file);
  return externalData.reduce((sum, { sizeBytes }) => sum + sizeBytes, (await stat(file)).size);
}

/** Why a form cannot be used, whatever its figures are. */
export function faultsOf({ accuracy, apart, unoptimised, saved }: Proof): string[] {
  const faults: string[] = [];
  if (!Number.isFinite(accuracy.cos) || !Number.isFinite(accuracy.maxRelative))
    faults.push('it answers with what is no number where the original does not');
  if (apart !== undefined && apart.equal < Math.min(apart.original, apart.rows))
    faults.push(`${apart.rows - apart.equal} of ${apart.rows} rows are not together what they are alone`);
  if (!(unoptimised >= LEAST_UNOPTIMISED))
    faults.push(
      `the runtime's own optimisations make another model of it (cosine ${unoptimised.toFixed(4)})`,
    );
  if (saved === false) faults.push('what the runtime saves of it does not answer the same');
  return faults;
}

/** Eight rows that differ in every way, together and alone. A row of the original that is not equal itself need only be near. */
async function apartness(
  ours: Session,
  theirs: Session,
  rows: readonly Row[],
  joining: Joining,
): Promise<NonNullable<Proof['apart']>> {
  const eight = contrasts(rows);
  const batch = together(eight, joining);
  const original = await equalRows(ours, batch, eight.length, false);
  const equal = await equalRows(theirs, batch, eight.length, original < eight.length);
  return { rows: eight.length, equal, original };
}

async function equalRows(session: Session, batch: Row, rows: number, nearIsEnough: boolean): Promise<number> {
  const all = await session.run(batch);
  let equal = 0;
  for (let i = 0; i < rows; i++) {
    // As long as in the batch: what lies beside a row is of nobody's, and must not matter.
    const alone = await session.run(rowOf(batch, i, rows));
    const there = rowOf(all, i, rows);
    const isSame = answerOf(alone) === answerOf(there);
    if (isSame || (nearIsEnough && rowDifference(alone, there) === undefined)) equal++;
  }
  return equal;
}

async function speeds(
  ours: Session,
  theirs: Session,
  rows: readonly Row[],
  joining: Joining | undefined,
): Promise<Proof['speed']> {
  const byLength = [...rows].sort((a, b) => elements(a) - elements(b));
  const middle = byLength[Math.floor(byLength.length / 2)]!;
  const eight = Array.from({ length: 8 }, (_, i) => rows[i % rows.length]!);
  const alike = new Set(eight.map((row) => row.map(({ shape }) => shape.length).join())).size === 1;
  return {
    one: await speedOf(ours, theirs, middle),
    eight: joining && alike ? await speedOf(ours, theirs, together(eight, joining)) : undefined,
  };
}

function elements(row: Row): number {
  return row.reduce((sum, { data }) => sum + data.length, 0);
}

/** In turns, so that whatever else the machine does falls on both. */
async function speedOf(ours: Session, theirs: Session, inputs: Row): Promise<Speed> {
  const startMs = performance.now();
  const [before, after]: [number[], number[]] = [[], []];
  await ours.cpuMs(inputs);
  await theirs.cpuMs(inputs);
  for (let i = 0; i < ROUNDS; i++) {
    if (i >= LEAST_ROUNDS && performance.now() - startMs > LONG_MS) break;
    before.push(await perRun(ours, inputs));
    after.push(await perRun(theirs, inputs));
  }
  const [beforeMs, afterMs] = [median(before), median(after)];
  return { beforeMs, afterMs, times: beforeMs / Math.max(afterMs, Number.MIN_VALUE) };
}

/** Of enough runs that the clock tells them apart. */
async function perRun(session: Session, inputs: Row): Promise<number> {
  let [runs, spentMs] = [0, 0];
  do {
    spentMs += await session.cpuMs(inputs);
    runs++;
  } while (spentMs < 4 && runs < 200);
  return spentMs / runs;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}

/** @see prepared models: what the workers of a server map is what the runtime saves of it. */
async function savedIsSame(
  { candidate, rows, folder, stop }: ProofJob,
  settings: Settings,
): Promise<boolean | undefined> {
  const saveTo = await mkdtemp(join(folder, 'saved-'));
  try {
    const row = rows[0]!;
    const answer = async (session: Session): Promise<Tensor[]> => session.run(row);
    const plain = await Session.with(candidate, settings, stop, answer, { saveTo });
    const hasData = await stat(join(saveTo, DATA_FILE)).then(
      () => true,
      () => false,
    );
    if (!hasData) return undefined;
    const { modelFile, ...prepared } = preparedSession(
      { ...settings, modelFile: candidate, int8: true },
      saveTo,
    );
    const again = await Session.with(modelFile, settings, stop, answer, prepared);
    return answerOf(plain) === answerOf(again) && (isTelling(again) || !isTelling(plain));
  } finally {
    await rm(saveTo, { recursive: true, force: true });
  }
}
