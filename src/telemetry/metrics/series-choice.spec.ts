import { Reading } from './figures';
import { MODELS } from './layout';
import { FAMILIES } from './metric-families';
import { Recorder } from './recorder';
import { SeriesChoice } from './series-choice';

/** A server that counts, and what Prometheus gets to see of it. */
class Subject {
  private readonly recorder = new Recorder();
  private readonly choice: SeriesChoice;

  constructor(models: string[], maxModels: number) {
    this.choice = new SeriesChoice({ models, maxModels });
  }

  load(model: string, version = '1'): () => void {
    const queue = { queuedRequests: 0 };
    this.recorder.model(model, version).loaded(queue, 100);
    return () => this.recorder.model(model, version).unloaded(queue);
  }

  /** Calls that failed, by the model that they are shown of. */
  shown(): Record<string, number> {
    const figures = this.choice.shown(this.recorder.snapshot());
    return Object.fromEntries(
      figures.models
        .map((model) => [
          model.labels.filter((label) => label !== '').join(' '),
          new Reading(MODELS, model).at(FAMILIES.requests.at.v2.failed),
        ])
        .filter(([label]) => label !== ''),
    ) as Record<string, number>;
  }

  call(model: string, version = '1'): void {
    this.recorder.model(model, version).failed('v2', 'failed', 1);
  }
}

describe('SeriesChoice', () => {
  it('gives series to the versions that are called first, and counts the others together', () => {
    const subject = new Subject([], 2);
    for (const model of ['a', 'b', 'c', 'd']) subject.load(model);
    expect(subject.shown()).toEqual({ _other: 0 });
    subject.call('d');
    expect(subject.shown()).toEqual({ 'd 1': 1, _other: 0 });
    subject.call('b');
    expect(subject.shown()).toEqual({ 'b 1': 1, 'd 1': 1, _other: 0 });
    subject.call('a');
    subject.call('c');
    subject.call('d');
    expect(subject.shown()).toEqual({ 'b 1': 1, 'd 1': 2, _other: 2 });
  });

  it('gives series to named models, whatever their version, and counts the others together', () => {
    const subject = new Subject(['b'], 0);
    for (const [model, version] of [
      ['a', '1'],
      ['b', '1'],
      ['b', '2'],
      ['c', '1'],
    ] as const) {
      subject.load(model, version);
      subject.call(model, version);
    }
    expect(subject.shown()).toEqual({ 'b 1': 1, 'b 2': 1, _other: 2 });
  });

  it('lets a version that is gone make room, and moves no counts to another name', () => {
    const subject = new Subject([], 1);
    const unload = subject.load('a', '1');
    subject.call('a', '1');
    subject.load('b');
    subject.call('b');
    expect(subject.shown()).toEqual({ 'a 1': 1, _other: 1 });
    unload();
    const unloadNew = subject.load('a', '2');
    expect(subject.shown()).toEqual({ 'a 1': 1, _other: 1 });
    subject.call('a', '2');
    expect(subject.shown()).toEqual({ 'a 2': 1, _other: 1 });
    // Back to the old one: its counts go on.
    subject.load('a', '1');
    subject.call('a', '1');
    expect(subject.shown()).toEqual({ 'a 2': 1, _other: 1 });
    unloadNew();
    expect(subject.shown()).toEqual({ 'a 1': 2, _other: 1 });
  });
});
