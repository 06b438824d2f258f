import { type INestApplicationContext, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { join } from 'node:path';
import { Exposition } from '../../test/helpers/exposition';
import { ConfigurationModule } from '../config/configuration.module';
import { parseSettings } from '../config/settings';
import { DomainError } from '../errors/domain-error';
import { IpcModule } from '../process/ipc/ipc.module';
import { LoggingModule } from '../telemetry/logging/logging.module';
import { ModelsService } from '../models/models.service';
import { MetricsModule } from '../telemetry/metrics/metrics.module';
import { MetricsService } from '../telemetry/metrics/metrics.service';
import type { Tensor } from '../tensors/tensor';
import type { InferenceCall, InferenceRequest, InferenceResult } from './inference-call';
import { InferenceModule } from './inference.module';
import { InferenceService } from './inference.service';

jest.mock('../runners/onnx/thread-file', () =>
  jest.requireActual<object>('../../test/helpers/compiled-thread'),
);
jest.mock('../processing/pool/thread-file', () =>
  jest.requireActual<object>('../../test/helpers/processing-thread-file'),
);

@Module({})
class Engine {}

const FEATURES: Tensor = {
  name: 'features',
  datatype: 'FP32',
  shape: [1, 4],
  data: new Float32Array([5.1, 3.5, 1.4, 0.2]),
};

/** A call as a program in the same process makes it. */
class LocalCall implements InferenceCall<InferenceResult> {
  model = 'iris';
  version: string | undefined = undefined;
  readonly protocol = 'v2';
  readonly startedAt = performance.now();
  deadlineMs = this.startedAt + 20_000;
  cacheUse: InferenceCall<unknown>['cacheUse'] = 'use';
  signal = { aborted: false };
  request: InferenceRequest = { inputs: [FEATURES], priority: 0 };
  served = '';
  released = 0;

  constructor(parts: Partial<LocalCall> = {}) {
    Object.assign(this, parts);
  }

  accepted({ name, version }: { name: string; version: string }): void {
    this.served = `${name}/${version}`;
  }

  mayBeUrgent(): boolean {
    return false;
  }

  decode(): InferenceRequest | Promise<InferenceRequest> {
    return this.request;
  }

  release(): void {
    this.released++;
  }

  encode(_model: unknown, result: InferenceResult): InferenceResult {
    return result;
  }
}

describe('one call, without HTTP', () => {
  let engine: INestApplicationContext;
  let inference: InferenceService;
  beforeAll(async () => {
    const settings = parseSettings({
      MODEL_DIR: join(__dirname, '..', '..', 'models'),
      MODEL_NAMES: 'iris',
      LOG_DIR: '',
      LOG_LEVEL: 'fatal',
      WORKERS: '0',
    });
    const imports = [
      ConfigurationModule.with(settings),
      LoggingModule,
      IpcModule,
      MetricsModule,
      InferenceModule,
    ];
    engine = await NestFactory.createApplicationContext({ module: Engine, imports }, { logger: false });
    inference = engine.get(InferenceService);
  });
  afterAll(() => engine.close());

  const counted = async (outcome: string): Promise<number> => {
    const figures = new Exposition(String(await engine.get(MetricsService).text()));
    return figures.sum('nestor_requests_total', { outcome });
  };

  it('runs the model, then has the cache answer', async () => {
    const first = new LocalCall();
    const { outputs, cache, run } = await inference.infer(first);
    expect(outputs.map(({ name, shape }) => [name, shape])).toEqual([
      ['label', [1]],
      ['probabilities', [1, 3]],
    ]);
    expect([cache, run?.batchRows, first.served, first.released]).toEqual(['MISS', 1, 'iris/1', 1]);
    const second = await inference.infer(new LocalCall());
    expect([second.cache, second.run, second.outputs]).toEqual(['HIT', undefined, outputs]);
    expect(await counted('success')).toBe(2);
  });

  it('gives the outputs in the order in which they were asked for', async () => {
    const request = { inputs: [FEATURES], priority: 0, outputs: ['probabilities', 'label'] };
    const { outputs } = await inference.infer(new LocalCall({ request, cacheUse: 'none' }));
    expect(outputs.map(({ name }) => name)).toEqual(['probabilities', 'label']);
  });

  it.each<[string, Partial<LocalCall>, string, string]>([
    ['a model that is not there', { model: 'nobody' }, 'model_not_found', 'client_error'],
    ['a version that is not there', { version: '7' }, 'version_not_found', 'client_error'],
    [
      'an output that is not there',
      { request: { inputs: [FEATURES], priority: 0, outputs: ['scent'] } },
      'unknown_output',
      'client_error',
    ],
    [
      'a deadline that has passed',
      { deadlineMs: performance.now() - 1, cacheUse: 'none' },
      'deadline_exceeded',
      'deadline',
    ],
    [
      'a client that has left',
      { signal: { aborted: true }, cacheUse: 'none' },
      'client_closed_request',
      'cancelled',
    ],
    [
      'what cannot be decoded',
      { decode: () => Promise.reject(new DomainError('shape_mismatch', 'no row')) },
      'shape_mismatch',
      'client_error',
    ],
    [
      'an answer that cannot be encoded',
      {
        encode: () => {
          throw new Error('no room');
        },
      },
      'internal_error',
      'failed',
    ],
  ])('refuses %s, counts it and holds nothing', async (_, parts, code, outcome) => {
    const before = await counted(outcome);
    const refusal = await inference.infer(new LocalCall(parts)).catch((thrown: unknown) => thrown);
    expect(refusal).toBeInstanceOf(Error);
    expect(refusal instanceof DomainError ? refusal.code : 'internal_error').toBe(code);
    expect(await counted(outcome)).toBe(before + 1);
    expect(engine.get(ModelsService).entry('iris').version('1')?.served?.use.leases).toBe(0);
  });
});
