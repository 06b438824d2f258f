import { Reading } from './figures';
import { MODELS, SERVER } from './layout';
import { FAMILIES } from './metric-families';
import { Recorder } from './recorder';

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
    for (let i = 0; i < MODELS.most; i++) recorder.model(`m${i}`, '1');
    const other = recorder.model('one-more', '1');
    expect(other.labels).toEqual(['_other', '']);
    expect(recorder.model('and-another', '7')).toBe(other);
    expect(recorder.model('m0', '1').labels).toEqual(['m0', '1']);
    // They, and the place without a model.
    expect(recorder.snapshot().models).toHaveLength(MODELS.most + 2);
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
    const reading = new Reading(SERVER, recorder.snapshot().server[0]);
    const counted = Object.values(FAMILIES.httpResponses.at).map((place) => reading.at(place));
    expect(counted).toEqual([0, 2, 1, 2, 1]);
  });

  it('asks those that count by themselves when figures are wanted', () => {
    const recorder = new Recorder();
    let evicted = 0;
    recorder.beforeSnapshot((server) => server.set(FAMILIES.cacheRemovals.at.evicted, evicted));
    recorder.settle();
    evicted = 3;
    expect(recorder.changed).toBe(false);
    const reading = new Reading(SERVER, recorder.snapshot().server[0]);
    expect(reading.at(FAMILIES.cacheRemovals.at.evicted)).toBe(3);
  });
});
