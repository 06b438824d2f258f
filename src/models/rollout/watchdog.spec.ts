import type { InferenceConfig } from '../../config/config.slices';
import type { Ipc } from '../../process/ipc/ipc.service';
import type { Participant, OverdueLoad } from './participant';
import type { VersionEntry } from '../loading/model-entry';
import type { ModelRegistry } from '../loading/model-registry';
import { Watchdog } from './watchdog';

describe('RunWatch', () => {
  let runs: { startMs: number }[];
  let overdue: Set<OverdueLoad>;
  let wanted: string[];
  let watch: Watchdog;
  function start(runTimeoutMs?: number, takesSlot = true): void {
    const served = { config: { runTimeoutMs }, queue: { takesSlot, runs } };
    const entry = { model: 'm', version: '1', served } as unknown as VersionEntry;
    const registry = { versions: () => [entry] } as unknown as ModelRegistry;
    const link = { wantReplacement: (reason: string) => wanted.push(reason) } as unknown as Ipc;
    const config = { runTimeoutMs: 5000 } as InferenceConfig;
    watch = new Watchdog(config, registry, { overdue } as unknown as Participant, link);
    watch.onModuleInit();
  }
  beforeEach(() => {
    jest.useFakeTimers();
    [runs, overdue, wanted] = [[], new Set(), []];
  });
  afterEach(() => {
    watch.onApplicationShutdown();
    jest.useRealTimers();
  });

  it('asks for another worker while a run takes too long, and says which', () => {
    start();
    runs.push({ startMs: performance.now() });
    jest.advanceTimersByTime(5000);
    expect(wanted).toEqual([]);
    jest.advanceTimersByTime(2000);
    expect(wanted).toEqual(Array(2).fill('a run of model "m" version 1 takes longer than 5000 ms'));
    runs.pop();
    jest.advanceTimersByTime(10_000);
    expect(wanted).toHaveLength(2);
  });

  it("knows a model's own limit", () => {
    start(60_000);
    runs.push({ startMs: performance.now() });
    jest.advanceTimersByTime(60_000);
    expect(wanted).toEqual([]);
    jest.advanceTimersByTime(1000);
    expect(wanted).toHaveLength(1);
  });

  it('leaves runs on other servers to their own time-out', () => {
    start(undefined, false);
    runs.push({ startMs: performance.now() });
    jest.advanceTimersByTime(100_000);
    expect(wanted).toEqual([]);
  });

  it('asks for another worker when a load goes on long after its time', () => {
    start();
    const config = {} as OverdueLoad['config'];
    overdue.add({ model: 'slow', version: '2', config, sinceMs: performance.now() });
    jest.advanceTimersByTime(6000);
    expect(wanted).toEqual(['a load of model "slow" version 2 goes on 5000 ms after its time']);
  });
});
