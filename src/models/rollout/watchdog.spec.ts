import type { InferenceConfig } from '../../config/config.slices';
import type { Ipc } from '../../process/ipc/ipc.service';
import type { Processing } from '../../processing/processing.service';
import type { Participant } from './participant';
import type { OverdueLoad } from './staging';
import type { VersionEntry } from '../loading/model-entry';
import type { ModelRegistry } from '../loading/model-registry';
import { Watchdog } from './watchdog';

describe('Watchdog', () => {
  let runs: { startMs: number }[];
  let overdue: Set<OverdueLoad>;
  let processing: { busySinceMs: number };
  let wanted: string[];
  let watch: Watchdog;
  function start(runTimeoutMs?: number, takesSlot = true): void {
    const served = { config: { runTimeoutMs }, queue: { takesSlot, runs } };
    const entry = { model: 'm', version: '1', served } as unknown as VersionEntry;
    const registry = { versions: () => [entry] } as unknown as ModelRegistry;
    const link = { wantReplacement: (reason: string) => wanted.push(reason) } as unknown as Ipc;
    const config = { runTimeoutMs: 5000 } as InferenceConfig;
    const changes = { overdue } as unknown as Participant;
    watch = new Watchdog(config, registry, changes, processing as Processing, link);
    watch.onModuleInit();
  }
  beforeEach(() => {
    jest.useFakeTimers();
    [runs, overdue, processing, wanted] = [[], new Set(), { busySinceMs: Infinity }, []];
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

  it('asks for another worker while a picture or text takes as long', () => {
    start(60_000);
    processing.busySinceMs = performance.now();
    jest.advanceTimersByTime(5000);
    expect(wanted).toEqual([]);
    jest.advanceTimersByTime(1000);
    expect(wanted).toEqual(['what a request brought has been processed for longer than 5000 ms']);
    processing.busySinceMs = Infinity;
    jest.advanceTimersByTime(10_000);
    expect(wanted).toHaveLength(1);
  });

  it('asks for another worker when a load goes on long after its time', () => {
    start();
    const config = {} as OverdueLoad['config'];
    overdue.add({ model: 'slow', version: '2', config, sinceMs: performance.now() });
    jest.advanceTimersByTime(6000);
    expect(wanted).toEqual(['a load of model "slow" version 2 goes on 5000 ms after its time']);
  });
});
