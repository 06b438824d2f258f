import { DomainError } from '../../errors/domain-error';
import type { RemoteModelConfig } from '../../runners/remote/remote-config';
import {
  bool,
  choice,
  inputs,
  integer,
  listOfInputs,
  mapping,
  number,
  pathBelow,
  readKeys,
  text,
  words,
  type KeyTable,
  type Reader,
} from '../../config/yaml/readers';
import { type GoldenCase, goldenCases } from './golden-case';
import { LATEST, type VersionPolicy, versionPolicy } from './version-policy';
import { REMOTE_KEYS, remoteFaults } from '../../runners/remote/remote-keys';
import { readYamlMapping, type JsonObject } from '../../config/yaml/yaml-mapping';

const GRAPH_OPTIMIZATIONS = ['disabled', 'basic', 'extended', 'all'] as const;
export type GraphOptimization = (typeof GRAPH_OPTIMIZATIONS)[number];

const RUNTIMES = ['onnx', 'remote'] as const;

/** How a model's answers are cached. */
export interface ModelCacheConfig {
  readonly enabled: boolean;
  /** How old a cached answer may be; undefined: the server's. */
  readonly ttlSeconds: number | undefined;
  /** Requests that are run, and so cached, when the model is loaded: a path below the folder of model.yaml. */
  readonly warmupFile: string | undefined;
}

/** How one model is served, the same for all of its versions: `model.yaml`, read and defaulted. */
export interface ModelConfig {
  /** Does it run here, or on another server? */
  readonly runtime: (typeof RUNTIMES)[number];
  /** A line for people. */
  readonly description: string | undefined;
  /** A request that succeeds, in the form of the native API. */
  readonly example: JsonObject | undefined;
  /** Which of the versions on disk serve. */
  readonly versions: VersionPolicy;
  /** May requests be joined along the leading dimension? Only where the model allows it. */
  readonly batching: boolean;
  readonly maxBatchRows: number;
  /** How long a request may wait on purpose for others to join it. */
  readonly maxQueueDelayMs: number;
  /** Sessions of each version in each worker process; each holds the weights again. */
  readonly instances: number;
  /** The model's share of the execution slots, relative to the other models'. */
  readonly weight: number;
  /** Undefined: from the thread plan. Never 0, which the runtime takes for all cores of the host. */
  readonly intraOpThreads: number | undefined;
  readonly interOpThreads: number;
  readonly graphOptimization: GraphOptimization;
  /** In order of preference; whether the runtime has them shows when the session is made. */
  readonly executionProviders: readonly string[];
  /** For queue and run together; undefined: the server's. */
  readonly deadlineMs: number | undefined;
  /** For one run; undefined: the server's. */
  readonly runTimeoutMs: number | undefined;
  /** Inputs run before a version serves, in the form of the native API; none: zeros. */
  readonly warmup: readonly JsonObject[];
  /** Checked before a version serves. */
  readonly golden: readonly GoldenCase[];
  /** Does it give the same answer to the same request? If not, nothing of it is cached. */
  readonly deterministic: boolean;
  readonly cache: ModelCacheConfig;
  /** Of a model that runs on another server. */
  readonly remote: RemoteModelConfig | undefined;
}

type OwnConfig = Omit<ModelConfig, 'remote'>;

const DAY_MS = 86_400_000;
const YEAR_SECONDS = 31_536_000;
const MAX_THREADS = 256;
const MAX_FAULTS = 20;

const threadsOrPlan: Reader<number | undefined> = (value, fault) =>
  integer(0, MAX_THREADS)(value, fault) || undefined;

const CACHE_KEYS: KeyTable<ModelCacheConfig> = {
  enabled: { key: 'enabled', read: bool, fallback: true },
  ttlSeconds: { key: 'ttl', read: number(0, YEAR_SECONDS, 'exclusive'), fallback: undefined },
  warmupFile: { key: 'warmup_file', read: pathBelow, fallback: undefined },
};

const CACHE_DEFAULTS: ModelCacheConfig = Object.freeze({
  enabled: true,
  ttlSeconds: undefined,
  warmupFile: undefined,
});

/** Every key of `model.yaml`, but for those of remote models. A new one is a field above and a line here. */
export const KEYS: KeyTable<OwnConfig> = {
  runtime: { key: 'runtime', read: choice(RUNTIMES), fallback: 'onnx' },
  description: { key: 'description', read: text(4096), fallback: undefined },
  example: { key: 'example', read: inputs, fallback: undefined },
  versions: { key: 'versions', read: versionPolicy, fallback: LATEST },
  batching: { key: 'batching', read: bool, fallback: true },
  maxBatchRows: { key: 'max_batch_rows', read: integer(1, 65_536), fallback: 64 },
  maxQueueDelayMs: { key: 'max_queue_delay_ms', read: number(0, 10_000, 'inclusive'), fallback: 0 },
  instances: { key: 'instances', read: integer(1, 64), fallback: 1 },
  weight: { key: 'weight', read: number(0, 1000, 'exclusive'), fallback: 1 },
  intraOpThreads: { key: 'intra_op_threads', read: threadsOrPlan, fallback: undefined },
  interOpThreads: { key: 'inter_op_threads', read: integer(1, MAX_THREADS), fallback: 1 },
  graphOptimization: { key: 'graph_optimization', read: choice(GRAPH_OPTIMIZATIONS), fallback: 'all' },
  executionProviders: { key: 'execution_providers', read: words(8), fallback: Object.freeze(['cpu']) },
  deadlineMs: { key: 'deadline_ms', read: integer(1, DAY_MS), fallback: undefined },
  runTimeoutMs: { key: 'run_timeout_ms', read: integer(1, DAY_MS), fallback: undefined },
  warmup: { key: 'warmup', read: listOfInputs(16), fallback: Object.freeze([]) },
  golden: { key: 'golden', read: goldenCases, fallback: Object.freeze([]) },
  deterministic: { key: 'deterministic', read: bool, fallback: true },
  cache: { key: 'cache', read: mapping(CACHE_KEYS), fallback: CACHE_DEFAULTS },
};

/** Those of them that say how a session runs; a remote model has none. */
const SESSION_KEYS = [
  KEYS.versions,
  KEYS.instances,
  KEYS.weight,
  KEYS.intraOpThreads,
  KEYS.interOpThreads,
  KEYS.graphOptimization,
  KEYS.executionProviders,
  KEYS.runTimeoutMs,
];
const NOT_OF_A_REMOTE = misplaced(SESSION_KEYS, 'is not for a remote model');
const NOT_OF_A_SESSION = misplaced(Object.values(REMOTE_KEYS), 'goes with runtime: remote');

/** How a remote batches is not to be found out by trying: whoever declares it knows. */
const KEYS_OF_A_REMOTE = { ...KEYS, batching: { ...KEYS.batching, fallback: false } };

/**
 * The configuration in the text of a `model.yaml`; undefined text gives the defaults.
 * @throws DomainError `model_unavailable`; its details list every fault by key.
 */
export function parseModelConfig(yamlText: string | undefined, modelName: string): ModelConfig {
  const faults: string[] = [];
  const mapping = yamlText === undefined ? {} : readYamlMapping(yamlText, faults);
  const config =
    mapping.runtime === 'remote' ? readRemote(mapping, modelName, faults) : readOwn(mapping, faults);
  if (faults.length === 0) return config;
  const details = faults.slice(0, MAX_FAULTS);
  if (faults.length > MAX_FAULTS) details.push(`and ${faults.length - MAX_FAULTS} more`);
  throw new DomainError(
    'model_unavailable',
    `the configuration of model ${modelName} has faults: ${details.join('; ')}`,
    { details },
  );
}

function readOwn(mapping: JsonObject, faults: string[]): ModelConfig {
  return Object.freeze({ ...readKeys(mapping, KEYS, faults, NOT_OF_A_SESSION), remote: undefined });
}

function readRemote(mapping: JsonObject, modelName: string, faults: string[]): ModelConfig {
  const table = { ...KEYS_OF_A_REMOTE, ...REMOTE_KEYS };
  const all = readKeys<OwnConfig & RemoteModelConfig>(mapping, table, faults, NOT_OF_A_REMOTE);
  const remote = pick(all, REMOTE_KEYS);
  if (faults.length === 0) faults.push(...remoteFaults(remote, modelName));
  return Object.freeze({ ...pick(all, KEYS), remote });
}

function pick<T extends object>(from: Readonly<T>, table: KeyTable<T>): Readonly<T> {
  const fields = Object.keys(table) as (keyof T)[];
  return Object.freeze(Object.fromEntries(fields.map((field) => [field, from[field]])) as T);
}

function misplaced(keys: readonly { readonly key: string }[], why: string): ReadonlyMap<string, string> {
  return new Map(keys.map(({ key }) => [key, why]));
}
