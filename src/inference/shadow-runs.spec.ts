import type { LoadedModel } from '../models/loading/loaded-model';
import type { ModelsService } from '../models/models.service';
import type { ScheduledRequest, ScheduledResult } from '../scheduling/scheduled-request';
import type { Tensor } from '../tensors/tensor';
import { ShadowRuns } from './shadow-runs';

const OUTPUTS: Tensor[] = [{ name: 'y', datatype: 'FP32', shape: [1, 1], data: new Float32Array([1]) }];
const REQUEST = {
  inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 1], data: new Float32Array([1]) }],
  rows: 1,
} as unknown as ScheduledRequest;

describe('the copies that a shadow runs', () => {
  let nowMs: number;
  let counted: string[];
  /** Ends the run of the copy that is under way. */
  let answer: (result: ScheduledResult | Error) => void;
  beforeEach(() => {
    nowMs = 1000;
    counted = [];
    jest.spyOn(performance, 'now').mockImplementation(() => nowMs);
  });
  afterEach(() => jest.restoreAllMocks());

  /** A call of a model whose shadow may take this share of the time; undefined where it was not copied. */
  function shadowOf(shadowTimeShare: number, name = 'm') {
    const shadow = {
      queue: {
        submit: () =>
          new Promise((resolve, reject) => {
            answer = (result) => (result instanceof Error ? reject(result) : resolve(result));
          }),
      },
    };
    const models = { acquireServing: () => shadow, release: () => undefined } as unknown as ModelsService;
    const shadows = new ShadowRuns(models, { shadowTimeShare });
    const recorder = { shadowed: (result: string) => counted.push(result) };
    const model = { name, version: '1', config: { shadow: '2' }, recorder } as unknown as LoadedModel;
    return () => shadows.copy(model, REQUEST, undefined);
  }
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  const result = (queueMs: number): ScheduledResult => ({
    outputs: OUTPUTS,
    queueMs,
    runMs: 1,
    batchRows: 1,
  });

  it('take their share of the time and no more, what they wait left out', async () => {
    const copy = shadowOf(0.1);
    copy()!.compareWith(OUTPUTS);
    nowMs += 15;
    expect(copy()).toBeUndefined();
    answer(result(5));
    await turn();
    expect(counted).toEqual(['skipped', 'same']);
    nowMs += 89;
    expect(copy()).toBeUndefined();
    nowMs += 1;
    expect(copy()).toBeDefined();
  });

  it('rest as long where they fail, but not for what may have been a wait', async () => {
    const copy = shadowOf(0.5);
    copy()!.compareWith(OUTPUTS);
    nowMs += 30_000;
    answer(new Error('its time was over'));
    await turn();
    expect(counted).toEqual(['failed']);
    nowMs += 99;
    expect(copy()).toBeUndefined();
    nowMs += 1;
    expect(copy()).toBeDefined();
  });

  it('are none where they may take no time, and follow at once a request that had no answer', () => {
    expect(shadowOf(0)()).toBeUndefined();
    expect(counted).toEqual(['skipped']);
    const copy = shadowOf(0.002);
    copy()!.forget();
    expect(copy()).toBeDefined();
  });
});
