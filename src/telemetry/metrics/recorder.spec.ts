import { Recorder } from './recorder';
import { MAX_MODELS } from './snapshot';

describe('Recorder', () => {
  it('gives a version the same place each time it is loaded', () => {
    const recorder = new Recorder();
    expect(recorder.model('a', '1')).toBe(recorder.model('a', '1'));
    expect(recorder.model('a', '1')).not.toBe(recorder.model('a', '2'));
    // A separator that a name may contain must not join two of them.
    expect(recorder.model('a"', '1')).not.toBe(recorder.model('a', '"1'));
  });

  it('counts further models together when there are very many', () => {
    const recorder = new Recorder();
    for (let i = 0; i < MAX_MODELS; i++) recorder.model(`m${i}`, '1');
    const other = recorder.model('one-more', '1');
    expect(other.model).toBe('_other');
    expect(recorder.model('and-another', '7')).toBe(other);
    expect(recorder.model('m0', '1').model).toBe('m0');
    // They, and the place without a model.
    expect(recorder.snapshot().models).toHaveLength(MAX_MODELS + 2);
  });

  it('knows whether anything was counted', () => {
    const recorder = new Recorder();
    const model = recorder.model('a', '1');
    expect(recorder.changed).toBe(true);
    recorder.settle();
    expect(recorder.changed).toBe(false);
    model.failed('v2', 'failed', 1);
    expect(recorder.changed).toBe(true);
    recorder.settle();
    recorder.noModel.failed('v2', 'client_error', 1);
    expect(recorder.changed).toBe(true);
    recorder.settle();
    recorder.response(404);
    expect(recorder.changed).toBe(true);
  });

  it('counts answers by class of status', () => {
    const recorder = new Recorder();
    for (const status of [200, 204, 304, 404, 499, 503]) recorder.response(status);
    expect(recorder.snapshot().responses).toEqual([0, 2, 1, 2, 1]);
  });
});
