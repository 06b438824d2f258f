import { mayUseInt8 } from './int8';
import { Injectable } from '@nestjs/common';
import { choice, integer, type KeyTable, type Reader, words } from '../../config/yaml/readers';
import { DomainError } from '../../errors/domain-error';
import type { OpenedRunner, Opening, RunnerDescription, RunnerKeys, RunnerKind } from '../runner-kind';
import { provideEnglish } from '../../config/english-locale';
import { PreparedModels } from './prepared/prepared-models';
import { SessionFactory } from './session-factory';
import { endsInCollections } from './collections';

const GRAPH_OPTIMIZATIONS = ['disabled', 'basic', 'extended', 'all'] as const;
const MAX_THREADS = 256;

/** How the sessions of a model are made: its part of `model.yaml`. */
export interface OnnxSettings {
  /** Sessions of each version in each worker process; each holds the weights again. */
  readonly instances: number;
  /** Undefined: from the CPU plan. Never 0, which the runtime takes for all cores of the host. */
  readonly intraOpThreads: number | undefined;
  readonly interOpThreads: number;
  readonly graphOptimization: (typeof GRAPH_OPTIMIZATIONS)[number];
  /** In order of preference; whether the runtime has them shows when the session is made. */
  readonly executionProviders: readonly string[];
}

const threadsOrPlan: Reader<number | undefined> = (value, fault) =>
  integer(0, MAX_THREADS)(value, fault) || undefined;

const keys: KeyTable<OnnxSettings> = {
  instances: { key: 'instances', read: integer(1, 64), fallback: 1 },
  intraOpThreads: { key: 'intra_op_threads', read: threadsOrPlan, fallback: undefined },
  interOpThreads: { key: 'inter_op_threads', read: integer(1, MAX_THREADS), fallback: 1 },
  graphOptimization: { key: 'graph_optimization', read: choice(GRAPH_OPTIMIZATIONS), fallback: 'all' },
  executionProviders: { key: 'execution_providers', read: words(8), fallback: Object.freeze(['cpu']) },
};

export const ONNX: RunnerKeys<OnnxSettings> = { runtime: 'onnx', keys, elsewhere: false };

/** Models that run in sessions of this process. */
@Injectable()
export class OnnxKind implements RunnerKind<OnnxSettings> {
  readonly runtime = ONNX.runtime;
  readonly keys = ONNX.keys;
  readonly elsewhere = ONNX.elsewhere;

  constructor(
    private readonly sessions: SessionFactory,
    private readonly prepared: PreparedModels,
  ) {}

  async open({
    model,
    version,
    settings,
    maxTexts,
    file,
    example,
    expectContent,
  }: Opening<OnnxSettings>): Promise<OpenedRunner> {
    if (file === undefined) throw new DomainError('model_unavailable', 'it has no model file');
    const digest = await file.digest(resultSettings(settings));
    expectContent(digest);
    const cutCollections = endsInCollections(file.lastOperators);
    if (cutCollections && file.hasExternalData) {
      const reason =
        "its last step, a ZipMap or SequenceConstruct, cannot be cut off where weights are in other files; export it with options={'zipmap': False}, or with its weights inside";
      throw new DomainError('model_unavailable', reason);
    }
    if (file.operators.has('StringNormalizer')) provideEnglish();
    const { path: modelFile, contents, operators, nodes, sizeBytes, unchanged, stamp } = file;
    const label = `${model}/${version}`;
    const own = { ...settings, modelFile, cutCollections, int8: mayUseInt8(operators), label };
    const options = { ...own, maxTexts, sizeBytes, nodes, unchanged, stamp };
    const { instances, ...session } = this.sessions.planned(own);
    const source = await this.prepared.find(
      { label, contents, digest, sizeBytes, session, example, operators },
      instances,
    );
    const runner = await this.sessions.open(options, source).catch((error: unknown) => {
      source.release();
      throw error;
    });
    void runner.closed.then(() => source.release());
    return {
      runner,
      description: describe(settings),
      memoryBytes: source.weights.ownBytes,
      weights: source.weights,
      digest,
      light: this.sessions.isSmall(options),
      mayGuess: () => true,
    };
  }
}

/**
 * The settings that change what a model answers: they choose its kernels. Threads and instances choose how the same
 * kernels are run, and the CPU plan differs between machines that are to share a cache. Between such runs the last
 * bits may differ, as the runtime allows itself anyway.
 */
export function resultSettings({ graphOptimization, executionProviders }: OnnxSettings): readonly unknown[] {
  return [graphOptimization, executionProviders];
}

function describe(settings: OnnxSettings): RunnerDescription {
  return {
    backend: 'onnxruntime',
    accelerated: settings.executionProviders[0] !== 'cpu',
    instances: settings.instances,
    settings: {
      intra_op_threads: settings.intraOpThreads,
      inter_op_threads: settings.interOpThreads,
      graph_optimization: settings.graphOptimization,
      execution_providers: settings.executionProviders.join(','),
    },
  };
}
