import fc from 'fast-check';
import {
  countersOf,
  emptied,
  type Figures,
  mergeFigures,
  NO_FIGURES,
  type Observed,
  Reading,
  type Subject,
} from './figures';
import { MODELS, SERVER } from './layout';
import { FAMILIES, STATISTICS } from './metric-families';
import { OUTCOMES, PROTOCOLS } from './outcome';
import { Recorder, type Tally } from './recorder';

function figuresOf(record: (recorder: Recorder) => void): Figures {
  const recorder = new Recorder();
  record(recorder);
  return recorder.snapshot();
}

function readingOf(figures: Figures, model: string): Reading<'models'> {
  const found = figures.models.find(({ labels: [name] }) => name === model);
  if (found === undefined) throw new Error(`no figures of ${model}`);
  return new Reading(MODELS, found);
}

const failuresOf = (figures: Figures, model: string): number =>
  readingOf(figures, model).at(FAMILIES.requests.at.v2.failed);

/** Resident, queue and memory. */
const heldBy = (figures: Figures, model: string): number[] =>
  [STATISTICS.resident, FAMILIES.queueRequests.at, FAMILIES.modelMemory.at].map((place) =>
    readingOf(figures, model).at(place),
  );

describe('mergeFigures', () => {
  it('adds counters, and takes the latest inference', () => {
    const one = figuresOf((recorder) => recorder.model('a', '1').failed('v2', 'failed', 2));
    const two = figuresOf((recorder) => {
      recorder.model('a', '1').failed('v2', 'failed', 3);
      recorder.model('b', '1').ran(4, 1);
      recorder.response(200);
    });
    const inferredAt = (ms: number, { models, ...figures }: Figures): Figures => ({
      ...figures,
      models: models.map(({ labels, cells }) => ({
        labels,
        cells: [...cells, STATISTICS.lastInferenceMs, ms],
      })),
    });
    const merged = mergeFigures([inferredAt(70, one), inferredAt(77, two), inferredAt(60, one)]);
    const took: Observed = readingOf(merged, 'a').observed(FAMILIES.requestDuration.at.failed);
    expect(took).toMatchObject({ count: 3, sum: 7 });
    expect(readingOf(merged, 'a').at(STATISTICS.lastInferenceMs)).toBe(77);
    expect(readingOf(merged, 'b').at(STATISTICS.batches[4]!)).toBe(1);
    expect(new Reading(SERVER, merged.server[0]).at(FAMILIES.httpResponses.at['2xx'])).toBe(1);
  });

  it('adds queues and memory, but counts a model that is loaded twice once', () => {
    const worker = (): Figures =>
      figuresOf((recorder) => recorder.model('a', '1').loaded({ queuedRequests: 2 }, 500));
    expect(heldBy(mergeFigures([worker(), worker()]), 'a')).toEqual([1, 4, 1000]);
  });

  it('survives the way between processes', () => {
    const figures = figuresOf((recorder) => recorder.model('a', '1').ran(4, 1.5));
    expect(JSON.parse(JSON.stringify(figures))).toEqual(figures);
    expect(structuredClone(figures)).toEqual(figures);
  });

  it('does not depend on how the parts are grouped', () => {
    const events = fc.array(
      fc.record({
        model: fc.constantFrom('a', 'b'),
        remote: fc.constantFrom('c', 'd'),
        protocol: fc.constantFrom(...PROTOCOLS),
        outcome: fc.constantFrom(...OUTCOMES.filter((outcome) => outcome !== 'success')),
        // Whole milliseconds: their sums are the same in any order.
        ms: fc.nat(100_000),
      }),
    );
    fc.assert(
      fc.property(events, events, events, (...parts) => {
        const [one, two, three] = parts.map((list) =>
          figuresOf((recorder) => {
            for (const { model, remote, protocol, outcome, ms } of list) {
              recorder.model(model, '1').failed(protocol, outcome, ms);
              const tally: Tally<'remotes'> = recorder.remote('m', remote);
              tally.add(FAMILIES.remoteCalls.at.broken);
              tally.observe(FAMILIES.remoteCallDuration.at, ms);
              recorder.caller(remote).add(FAMILIES.callerRows.at, ms);
            }
          }),
        ) as [Figures, Figures, Figures];
        const byLabels = (a: Subject, b: Subject): number => (a.labels.join() < b.labels.join() ? -1 : 1);
        const sort = ({ server, models, remotes, callers }: Figures): Figures => ({
          server,
          models: models.toSorted(byLabels),
          remotes: remotes.toSorted(byLabels),
          callers: callers.toSorted(byLabels),
        });
        const whole = sort(mergeFigures([one, two, three]));
        expect(sort(mergeFigures([mergeFigures([three, one]), two]))).toEqual(whole);
        expect(sort(mergeFigures([NO_FIGURES, one, mergeFigures([two, three])]))).toEqual(whole);
      }),
      { numRuns: 50 },
    );
  });

  it('folds models beyond the bound into one, and loses none of their counts', () => {
    const figures = figuresOf((recorder) => {
      for (const model of ['a', 'b', 'c', 'd']) recorder.model(model, '1').failed('v2', 'failed', 1);
    });
    const merged = mergeFigures([figures], 3);
    expect(merged.models.map(({ labels: [model] }) => model)).toEqual(['', 'a', 'b', '_other']);
    expect(failuresOf(merged, '_other')).toBe(2);
  });

  it('keeps the last exemplar of each bucket', () => {
    const { at } = FAMILIES.requestDuration.at.failed;
    const of = (cell: number, traceId: string, atMs: number): Figures => ({
      ...NO_FIGURES,
      models: [{ labels: ['a', '1'], cells: [], exemplars: [{ cell, value: 1, traceId, atMs }] }],
    });
    const parts = [of(at, 'late', 3), of(at, 'early', 2), of(at + 1, 'other', 1)];
    for (const order of [parts, parts.toReversed()]) {
      const [a] = mergeFigures([countersOf(mergeFigures(order)), NO_FIGURES]).models;
      expect(a?.exemplars?.map(({ traceId }) => traceId).sort()).toEqual(['late', 'other']);
    }
  });

  it('lets models in front keep their label', () => {
    const first = figuresOf((recorder) => recorder.model('late', '1'));
    const figures = figuresOf((recorder) => {
      for (const model of ['a', 'b', 'late']) recorder.model(model, '1').failed('v2', 'failed', 1);
    });
    const merged = mergeFigures([emptied(first), figures], 2);
    expect(failuresOf(merged, 'late')).toBe(1);
    expect(failuresOf(merged, '_other')).toBe(2);
  });
});

describe('countersOf', () => {
  it('keeps what a process counted and drops what it held', () => {
    const figures = figuresOf((recorder) => {
      recorder.model('a', '1').loaded({ queuedRequests: 2 }, 500);
      recorder.model('a', '1').failed('v2', 'failed', 1);
    });
    const remains = countersOf(figures);
    expect(heldBy(remains, 'a')).toEqual([0, 0, 0]);
    expect(failuresOf(remains, 'a')).toBe(1);
  });
});
