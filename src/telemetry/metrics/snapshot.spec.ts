import fc from 'fast-check';
import { ModelTotals } from './model-totals';
import { OUTCOMES, PROTOCOLS } from './outcome';
import { Recorder } from './recorder';
import { countersOf, emptied, type Figures, mergeSnapshots, NO_FIGURES } from './snapshot';

function figuresOf(record: (recorder: Recorder) => void): Figures {
  const recorder = new Recorder();
  record(recorder);
  return recorder.snapshot();
}

function totalsOf(figures: Figures, model: string): ModelTotals {
  const found = figures.models.find((candidate) => candidate.model === model);
  if (found === undefined) throw new Error(`no figures of ${model}`);
  return new ModelTotals(found);
}

describe('mergeSnapshots', () => {
  it('adds counters, and takes the latest inference', () => {
    const one = figuresOf((recorder) => recorder.model('a', '1').failed('v2', 'failed', 2));
    const two = figuresOf((recorder) => {
      recorder.model('a', '1').failed('v2', 'failed', 3);
      recorder.model('b', '1').ran(4, 1);
      recorder.response(200);
    });
    const late = { ...two, models: two.models.map((model) => ({ ...model, lastInferenceMs: 77 })) };
    const merged = mergeSnapshots([one, late]);
    expect(totalsOf(merged, 'a').total('failed')).toMatchObject({ count: 2, sumMs: 5 });
    expect(totalsOf(merged, 'a').of.lastInferenceMs).toBe(77);
    expect(totalsOf(merged, 'b').batches).toMatchObject([{ rows: 4, runs: 1 }]);
    expect(merged.responses).toEqual([0, 1, 0, 0, 0]);
  });

  it('adds queues and memory, but counts a model that is loaded twice once', () => {
    const worker = (): Figures =>
      figuresOf((recorder) => recorder.model('a', '1').loaded({ queuedRequests: 2 }, 500));
    expect(totalsOf(mergeSnapshots([worker(), worker()]), 'a').of).toMatchObject({
      resident: 1,
      queuedRequests: 4,
      memoryBytes: 1000,
    });
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
              recorder.remote('m', remote).called('broken', ms);
            }
          }),
        ) as [Figures, Figures, Figures];
        const sort = ({ models, remotes, cache, responses }: Figures): Figures => ({
          models: models.toSorted((a, b) => (a.model < b.model ? -1 : 1)),
          remotes: remotes.toSorted((a, b) => (a.remote < b.remote ? -1 : 1)),
          cache,
          responses,
        });
        const whole = sort(mergeSnapshots([one, two, three]));
        expect(sort(mergeSnapshots([mergeSnapshots([three, one]), two]))).toEqual(whole);
        expect(sort(mergeSnapshots([NO_FIGURES, one, mergeSnapshots([two, three])]))).toEqual(whole);
      }),
      { numRuns: 50 },
    );
  });

  it('folds models beyond the bound into one, and loses none of their counts', () => {
    const figures = figuresOf((recorder) => {
      for (const model of ['a', 'b', 'c', 'd']) recorder.model(model, '1').failed('v2', 'failed', 1);
    });
    const merged = mergeSnapshots([figures], 3);
    expect(merged.models.map(({ model }) => model)).toEqual(['', 'a', 'b', '_other']);
    expect(totalsOf(merged, '_other').requests('v2', 'failed')).toBe(2);
  });

  it('lets models in front keep their label', () => {
    const first = figuresOf((recorder) => recorder.model('late', '1'));
    const figures = figuresOf((recorder) => {
      for (const model of ['a', 'b', 'late']) recorder.model(model, '1').failed('v2', 'failed', 1);
    });
    const merged = mergeSnapshots([emptied(first), figures], 2);
    expect(totalsOf(merged, 'late').requests('v2', 'failed')).toBe(1);
    expect(totalsOf(merged, '_other').requests('v2', 'failed')).toBe(2);
  });
});

describe('countersOf', () => {
  it('keeps what a process counted and drops what it held', () => {
    const figures = figuresOf((recorder) => {
      recorder.model('a', '1').loaded({ queuedRequests: 2 }, 500);
      recorder.model('a', '1').failed('v2', 'failed', 1);
    });
    const remains = totalsOf(countersOf(figures), 'a');
    expect(remains.of).toMatchObject({ resident: 0, queuedRequests: 0, memoryBytes: 0 });
    expect(remains.requests('v2', 'failed')).toBe(1);
  });
});
