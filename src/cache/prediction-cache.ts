import type { CacheOutcome, CacheTierName } from '../telemetry/metrics/outcome';
import { systemClock } from '../common/clock';
import type { ScheduledRequest, ScheduledResult } from '../scheduling/scheduled-request';
import type { Tensor, TensorSpec } from '../tensors/tensor';
import { type CacheEntry, type CacheTier, type TierCounters, type TierState } from './cache-tier';
import { type KeyedRaw, KeyMaker } from './cache-key';
import { entryBytes, type MemoryCounters, MemoryTier, ownCopy } from './memory-tier';
import { SingleFlight } from './single-flight';

/**
 * What a request lets the cache do: `use` it; `refresh` it, which asks for a run of its own and keeps the result for
 * others; or `none`.
 */
export type CacheUse = 'use' | 'refresh' | 'none';

export interface CachedRequest extends ScheduledRequest {
  /** Names of the outputs that are wanted, each of which the model has; all of them when absent. */
  readonly outputs?: readonly string[];
  readonly cacheUse: CacheUse;
  /** What it asks of the model's declaration; undefined: nothing, its tensors are run as they are. */
  readonly raw?: KeyedRaw;
}

export interface CachedAnswer {
  /** At least the wanted outputs, in the model's order. They are read only. */
  readonly outputs: readonly Tensor[];
  readonly outcome: CacheOutcome;
  /** Who had the answer of a hit. */
  readonly tier?: CacheTierName;
  /** How old the answer of a hit is. */
  readonly ageMs?: number;
  /** Time spent on looking for it. */
  readonly lookupMs: number;
  /** The request's own run; undefined when it needed none. */
  readonly run?: ScheduledResult;
}

/** What of a served version the cache wants to know. */
export interface CachedModel {
  readonly name: string;
  readonly version: string;
  /** Of its files and of the settings that change its results. */
  readonly digest: string;
  readonly deterministic: boolean;
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  readonly config: { readonly cache: { readonly enabled: boolean; readonly ttlSeconds?: number } };
}

export interface CacheSettings {
  readonly enabled: boolean;
  readonly ttlSeconds: number;
  /** Stands before every key. */
  readonly namespace: string;
  readonly memoryBytes: number;
  readonly maxEntryBytes: number;
  /** Requests that may wait for an equal one at a time. */
  readonly maxFollowers: number;
  /** The version of what runs the models. */
  readonly runtime: string;
}

/** What this process's cache has done, and what it holds. */
export interface CacheStatistics {
  readonly memory: MemoryCounters & {
    readonly entries: number;
    readonly bytes: number;
    readonly limitBytes: number;
  };
  /** Undefined without a Redis. */
  readonly redis:
    (TierCounters & { readonly circuitOpenings: number; readonly state: TierState }) | undefined;
}

/** What the keys and entries of one served version have in common. */
interface Plan {
  readonly keys: KeyMaker;
  readonly prefix: string;
  readonly ttlMs: number;
}

/** One request on its way through the cache. */
interface Lookup {
  readonly key: string;
  readonly ttlMs: number;
  readonly outputs: readonly TensorSpec[];
  readonly request: CachedRequest;
  readonly startMs: number;
  /** How often the cache had been cleared by then. */
  readonly clearings: number;
  readonly run: () => Promise<ScheduledResult>;
}

/** What a leader found, for itself and its followers. */
type Found = { readonly run: ScheduledResult } | { readonly entry: CacheEntry };

/** Answers requests that were answered before, from memory or Redis, and lets equal ones share a run. */
export class PredictionCache {
  private readonly memory: MemoryTier;
  private readonly flights: SingleFlight<Found>;
  /** Null for a version that is not cached. */
  private readonly plans = new WeakMap<CachedModel, Plan | null>();
  /** What was under way when the cache was cleared must not bring its result back after it. */
  private clearings = 0;
  private turn: Promise<void> | undefined;

  constructor(
    private readonly settings: CacheSettings,
    private readonly redis: CacheTier | undefined,
  ) {
    this.memory = new MemoryTier(settings.memoryBytes);
    this.flights = new SingleFlight(settings.maxFollowers, systemClock);
  }

  /**
   * The answer to a request; `run` has the model make it, if need be.
   * @throws what `run` throws, and `deadline_exceeded` or `client_closed_request` while an equal request runs
   */
  async answer(
    model: CachedModel,
    request: CachedRequest,
    run: () => Promise<ScheduledResult>,
  ): Promise<CachedAnswer> {
    const plan = request.cacheUse === 'none' ? undefined : this.planOf(model);
    if (!plan) return bypass(await run());
    const startMs = performance.now();
    const key = plan.prefix + plan.keys.keyOf(request.inputs, request.outputs, request.raw);
    const lookup: Lookup = {
      key,
      ttlMs: plan.ttlMs,
      outputs: model.outputs,
      request,
      startMs,
      clearings: this.clearings,
      run,
    };
    if (request.cacheUse === 'refresh') return bypass(await this.runAndKeep(lookup));
    const known = this.memory.get(key, startMs - plan.ttlMs);
    if (known === undefined) return this.fly(lookup);
    request.onInputsConsumed?.();
    const lookupMs = performance.now() - startMs;
    await this.endOfTurn();
    return hit('memory', known, lookupMs);
  }

  /** Are answers of this version kept? */
  keeps(model: CachedModel): boolean {
    return this.planOf(model) !== null;
  }

  /** How many entries this process has forgotten: of one model, or all. */
  async clearHere(model: string | undefined): Promise<number> {
    this.clearings++;
    const cleared = this.memory.clear(this.prefixOf(model));
    await this.redis?.settled();
    return cleared;
  }

  /** How many entries Redis has forgotten; undefined without a Redis. @throws not_ready */
  async clearRedis(model: string | undefined): Promise<number | undefined> {
    return this.redis?.clear(this.prefixOf(model));
  }

  /** Undefined without a Redis. */
  get redisState(): TierState | undefined {
    return this.redis?.state;
  }

  statistics(): CacheStatistics {
    const { memory, redis } = this;
    return {
      memory: {
        ...memory.counters,
        entries: memory.entries,
        bytes: memory.usedBytes,
        limitBytes: this.settings.memoryBytes,
      },
      redis: redis && { ...redis.counters, circuitOpenings: redis.circuitOpenings, state: redis.state },
    };
  }

  /**
   * Resolves when this turn of the event loop has read its sockets. The hits of a turn are answered together: written
   * one by one, each answer would wake its reader anew, which costs more than all the rest of a small hit.
   */
  private endOfTurn(): Promise<void> {
    this.turn ??= new Promise((resolve) => {
      systemClock.setImmediate(() => {
        this.turn = undefined;
        resolve();
      });
    });
    return this.turn;
  }

  private async fly(lookup: Lookup): Promise<CachedAnswer> {
    const { key, request, startMs, run } = lookup;
    let lookupMs = performance.now() - startMs;
    let ran = false;
    const ownRun = (): Promise<ScheduledResult> => {
      lookupMs = performance.now() - startMs;
      ran = true;
      return run();
    };
    try {
      const { value, shared } = await this.flights.run(key, request, () =>
        this.find({ ...lookup, run: ownRun }),
      );
      if ('entry' in value) return hit('redis', value.entry, performance.now() - startMs);
      const { outputs } = value.run;
      return shared
        ? { outputs, outcome: 'SHARED', lookupMs }
        : { outputs, outcome: 'MISS', lookupMs, run: value.run };
    } finally {
      if (!ran) request.onInputsConsumed?.();
    }
  }

  private async find(lookup: Lookup): Promise<Found> {
    const { outputs: wanted } = lookup.request;
    const outputs = wanted ? lookup.outputs.filter(({ name }) => wanted.includes(name)) : lookup.outputs;
    const looked = this.redis && lookup.request.trace?.record?.lookingUp(performance.now());
    const entry = await this.redis?.get(lookup.key, lookup.startMs - lookup.ttlMs, { outputs });
    looked?.end(performance.now(), entry !== undefined);
    if (entry === undefined) return { run: await this.runAndKeep(lookup) };
    if (lookup.clearings === this.clearings) this.memory.set(lookup.key, entry);
    return { entry };
  }

  private async runAndKeep(lookup: Lookup): Promise<ScheduledResult> {
    const result = await lookup.run();
    const { outputs: wanted } = lookup.request;
    const outputs = wanted ? result.outputs.filter(({ name }) => wanted.includes(name)) : result.outputs;
    const stillWanted = (): boolean => lookup.clearings === this.clearings;
    if (stillWanted() && entryBytes(outputs) <= this.settings.maxEntryBytes) {
      const entry = { outputs: ownCopy(outputs), bornMs: performance.now() };
      this.memory.set(lookup.key, entry);
      this.redis?.set(lookup.key, entry, lookup.ttlMs, stillWanted);
    }
    return result;
  }

  private planOf(model: CachedModel): Plan | null {
    if (!this.settings.enabled) return null;
    let plan = this.plans.get(model);
    if (plan === undefined) {
      plan = this.newPlan(model);
      this.plans.set(model, plan);
    }
    return plan;
  }

  private newPlan(model: CachedModel): Plan | null {
    const { cache } = model.config;
    if (!cache.enabled || !model.deterministic) return null;
    return {
      keys: new KeyMaker(model, this.settings.runtime),
      prefix: this.prefixOf(model.name),
      ttlMs: (cache.ttlSeconds ?? this.settings.ttlSeconds) * 1000,
    };
  }

  /** What the keys of a model begin with, or all keys. A name has no colon. */
  private prefixOf(model: string | undefined): string {
    const { namespace } = this.settings;
    return model === undefined ? `${namespace}:` : `${namespace}:${model}:`;
  }
}

function bypass(run: ScheduledResult): CachedAnswer {
  return { outputs: run.outputs, outcome: 'BYPASS', lookupMs: 0, run };
}

function hit(tier: CacheTierName, { outputs, bornMs }: CacheEntry, lookupMs: number): CachedAnswer {
  return { outputs, outcome: 'HIT', tier, ageMs: performance.now() - bornMs, lookupMs };
}
