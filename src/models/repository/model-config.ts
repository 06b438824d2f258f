import { DomainError } from '../../errors/domain-error';
import type { RunnerKeys } from '../../runners/runner-kind';
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
  type Key,
  type KeyTable,
} from '../../config/yaml/readers';
import { type GoldenCase, goldenCases } from './golden-case';
import { DECLARATION_KEYS, type DeclarationConfig } from '../../processing/declaration';
import { shadow, type Traffic, traffic } from './traffic';
import { LATEST, type VersionPolicy, versionPolicy } from './version-policy';
import type { JsonObject } from '../../config/yaml/json-value';
import { readYamlMapping } from '../../config/yaml/yaml-mapping';

/** How a model's answers are cached. */
export interface ModelCacheConfig {
  readonly enabled: boolean;
  /** How old a cached answer may be; undefined: the server's. */
  readonly ttlSeconds: number | undefined;
  /** Requests that are run, and so cached, when the model is loaded: a path below the folder of model.yaml. */
  readonly warmupFile: string | undefined;
}

/** What every kind of runner has: the part of `model.yaml` that says how requests are treated. */
interface CommonConfig extends DeclarationConfig {
  /** A line for people. */
  readonly description: string | undefined;
  /** A request that succeeds, in the form of the native API. */
  readonly example: JsonObject | undefined;
  /** Which of the versions on disk serve. */
  readonly versions: VersionPolicy;
  /**
   * May requests be joined along the leading dimension? Only where the model declares that; undefined: where what its
   * graph shows and a check at load allow it.
   */
  readonly batching: boolean | undefined;
  /** Elements that an input of BYTES may have. */
  readonly maxTextElements: number;
  /** May a run get an input without elements? The process may end of it. */
  readonly allowEmpty: boolean;
  readonly maxBatchRows: number;
  /** How calls that name no version are split; undefined: all go to the default one. */
  readonly traffic: Traffic | undefined;
  /** The version that copies of requests are run by, whose answers are compared and go to nobody. */
  readonly shadow: string | undefined;
  /** How long a request may wait on purpose for others to join it. */
  readonly maxQueueDelayMs: number;
  /** The model's share of the execution slots, relative to the other models'. */
  readonly weight: number;
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
}

/** How one model is served, the same for all of its versions: `model.yaml`, read and defaulted. */
export interface ModelConfig extends CommonConfig {
  /** Which kind of runner has it. */
  readonly runtime: string;
  /** Does it run on another server? */
  readonly elsewhere: boolean;
  /** What that kind's own keys say. */
  readonly runner: object;
}

const DAY_MS = 86_400_000;
const YEAR_SECONDS = 31_536_000;
const MAX_FAULTS = 20;

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

/** The keys of `model.yaml` that every kind of runner has. A new one is a field above and a line here. */
export const KEYS: KeyTable<CommonConfig> = {
  description: { key: 'description', read: text(4096), fallback: undefined },
  example: { key: 'example', read: inputs, fallback: undefined },
  versions: { key: 'versions', read: versionPolicy, fallback: LATEST },
  traffic: { key: 'traffic', read: traffic, fallback: undefined },
  shadow: { key: 'shadow', read: shadow, fallback: undefined },
  batching: { key: 'batching', read: bool, fallback: undefined },
  maxTextElements: { key: 'max_text_elements', read: integer(1, 10_000_000), fallback: 65_536 },
  allowEmpty: { key: 'allow_empty', read: bool, fallback: false },
  maxBatchRows: { key: 'max_batch_rows', read: integer(1, 65_536), fallback: 64 },
  maxQueueDelayMs: { key: 'max_queue_delay_ms', read: number(0, 10_000, 'inclusive'), fallback: 0 },
  weight: { key: 'weight', read: number(0, 1000, 'exclusive'), fallback: 1 },
  deadlineMs: { key: 'deadline_ms', read: integer(1, DAY_MS), fallback: undefined },
  runTimeoutMs: { key: 'run_timeout_ms', read: integer(1, DAY_MS), fallback: undefined },
  warmup: { key: 'warmup', read: listOfInputs(16), fallback: Object.freeze([]) },
  golden: { key: 'golden', read: goldenCases, fallback: Object.freeze([]) },
  deterministic: { key: 'deterministic', read: bool, fallback: true },
  cache: { key: 'cache', read: mapping(CACHE_KEYS), fallback: CACHE_DEFAULTS },
  ...DECLARATION_KEYS,
};

/** Those that say something of a file or of a slot of this machine. */
const NOT_ELSEWHERE = [KEYS.versions, KEYS.traffic, KEYS.shadow, KEYS.weight, KEYS.runTimeoutMs];

/** How a model elsewhere batches is not to be found out by trying: whoever declares it knows. */
const KEYS_ELSEWHERE: KeyTable<CommonConfig> = { ...KEYS, batching: { ...KEYS.batching, fallback: false } };

/**
 * The configuration in the text of a `model.yaml`; undefined text gives the defaults.
 * @param kinds of runners, the first of which is meant where there is no `runtime`
 * @throws DomainError `model_unavailable`; its details list every fault by key.
 */
export function parseModelConfig(
  yamlText: string | undefined,
  model: string,
  kinds: readonly RunnerKeys[],
): ModelConfig {
  const faults: string[] = [];
  const yaml = yamlText === undefined ? {} : readYamlMapping(yamlText, faults);
  const kind = kinds.find(({ runtime }) => runtime === yaml.runtime) ?? kinds[0]!;
  const config = readOf(kind, kinds, yaml, model, faults);
  if (faults.length === 0) return config;
  const details = faults.slice(0, MAX_FAULTS);
  if (faults.length > MAX_FAULTS) details.push(`and ${faults.length - MAX_FAULTS} more`);
  throw new DomainError(
    'model_unavailable',
    `the configuration of model ${model} has faults: ${details.join('; ')}`,
    { details },
  );
}

function readOf(
  kind: RunnerKeys,
  kinds: readonly RunnerKeys[],
  yaml: JsonObject,
  model: string,
  faults: string[],
): ModelConfig {
  const common = kind.elsewhere ? KEYS_ELSEWHERE : KEYS;
  const runtime = { key: 'runtime', read: choice(kinds.map((one) => one.runtime)), fallback: kind.runtime };
  const table = { runtime, ...common, ...kind.keys };
  const all = readKeys<{ runtime: string } & CommonConfig>(yaml, table, faults, misplacedWith(kind, kinds));
  const runner = pick<object>(all, kind.keys);
  if (faults.length === 0) faults.push(...(kind.faults?.(runner, model) ?? []));
  return Object.freeze({ ...pick(all, KEYS), runtime: kind.runtime, elsewhere: kind.elsewhere, runner });
}

/** Keys that there are, but not with this kind of runner, and why. */
function misplacedWith(kind: RunnerKeys, kinds: readonly RunnerKeys[]): ReadonlyMap<string, string> {
  const why = new Map<string, string>();
  for (const other of kinds.filter((one) => one !== kind)) {
    const reason = kind.elsewhere
      ? `is not for a ${kind.runtime} model`
      : `goes with runtime: ${other.runtime}`;
    for (const key of namesOf(other.keys)) why.set(key, reason);
  }
  for (const key of namesOf(kind.keys)) why.delete(key);
  if (kind.elsewhere) for (const { key } of NOT_ELSEWHERE) why.set(key, `is not for a ${kind.runtime} model`);
  return why;
}

function namesOf(table: object): string[] {
  return (Object.values(table) as Key<unknown>[]).map(({ key }) => key);
}

function pick<T extends object>(from: Readonly<T>, table: KeyTable<T>): Readonly<T> {
  const fields = Object.keys(table) as (keyof T)[];
  return Object.freeze(Object.fromEntries(fields.map((field) => [field, from[field]])) as T);
}
