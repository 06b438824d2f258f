import { countersOf, type Figures, mergeFigures } from '../telemetry/metrics/figures';
import { Recorder } from '../telemetry/metrics/recorder';
import { Exposition } from '../telemetry/metrics/exposition';
import type { CacheStatistics } from './prediction-cache';
import { NO_PREPARATIONS } from '../telemetry/metrics/server-snapshot';
import { tellMetrics } from './tell-metrics';

const STATISTICS: CacheStatistics = {
  memory: { hits: 1, misses: 2, stored: 3, evicted: 4, expired: 5, entries: 6, bytes: 7, limitBytes: 8 },
  redis: {
    hits: 10,
    misses: 11,
    skipped: 12,
    stored: 13,
    dropped: 14,
    readErrors: 15,
    readTimeouts: 16,
    unreadable: 17,
    writeErrors: 18,
    writeTimeouts: 19,
    circuitOpenings: 20,
    state: 'read-only',
  },
};

function figuresOf(statistics: CacheStatistics): Figures {
  const recorder = new Recorder();
  recorder.beforeSnapshot((server) => tellMetrics(server, statistics));
  return recorder.snapshot();
}

/** The values of the cache's series, by their names and labels. */
async function shown(figures: Figures): Promise<Record<string, number>> {
  const server = {
    figures,
    processes: [],
    unavailable: [],
    queueLimit: 0,
    configuredWorkers: 0,
    workers: [],
    restarts: 0,
    accessFailures: 0,
    preparations: NO_PREPARATIONS,
  };
  const build = { version: '', node: '', onnxruntime: '' };
  const text = await new Exposition(build, { models: [], maxModels: 100, buckets: 'all' }).print(server);
  const lines = String(text)
    .split('\n')
    .filter((line) => line.startsWith('nestor_cache_'));
  return Object.fromEntries(
    lines.map((line) => [
      line.slice('nestor_cache_'.length, line.lastIndexOf(' ')),
      Number(line.slice(line.lastIndexOf(' ') + 1)),
    ]),
  );
}

const COUNTERS = {
  'lookups_total{tier="memory",result="hit"}': 1,
  'lookups_total{tier="memory",result="miss"}': 2,
  'lookups_total{tier="redis",result="hit"}': 10,
  'lookups_total{tier="redis",result="miss"}': 11,
  'lookups_total{tier="redis",result="skipped"}': 12,
  'writes_total{tier="memory",result="stored"}': 3,
  'writes_total{tier="redis",result="stored"}': 13,
  'writes_total{tier="redis",result="dropped"}': 14,
  'redis_faults_total{operation="read",kind="error"}': 15,
  'redis_faults_total{operation="read",kind="timeout"}': 16,
  'redis_faults_total{operation="read",kind="unreadable"}': 17,
  'redis_faults_total{operation="write",kind="error"}': 18,
  'redis_faults_total{operation="write",kind="timeout"}': 19,
  redis_circuit_openings_total: 20,
  'memory_removals_total{reason="evicted"}': 4,
  'memory_removals_total{reason="expired"}': 5,
};
const HELD = {
  memory_entries: 6,
  memory_bytes: 7,
  memory_limit_bytes: 8,
  'redis_workers{state="connected"}': 0,
  'redis_workers{state="read-only"}': 1,
  'redis_workers{state="unreachable"}': 0,
};

describe('the figures of caches', () => {
  it('are all shown, each under its own name', async () => {
    expect(await shown(figuresOf(STATISTICS))).toEqual({ ...COUNTERS, ...HELD });
  });

  it('add up, place by place, also where one has no Redis', async () => {
    const [one, without] = [figuresOf(STATISTICS), figuresOf({ ...STATISTICS, redis: undefined })];
    const merged = await shown(mergeFigures([one, without, one]));
    expect(merged).toMatchObject({
      'lookups_total{tier="memory",result="hit"}': 3,
      'lookups_total{tier="redis",result="hit"}': 20,
      redis_circuit_openings_total: 40,
      memory_bytes: 21,
      'redis_workers{state="read-only"}': 2,
    });
  });

  it('keep what a process did, and not what it held', async () => {
    const zeros = Object.fromEntries(Object.keys(HELD).map((name) => [name, 0]));
    expect(await shown(countersOf(figuresOf(STATISTICS)))).toEqual({ ...COUNTERS, ...zeros });
  });
});
