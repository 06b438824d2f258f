import { RpcChannel, type ChannelMessage } from '../process/ipc/rpc-channel';
import type { FanOut, Reply } from '../process/ipc/messages';
import { type Figures, Reading } from '../telemetry/metrics/figures';
import { MODELS } from '../telemetry/metrics/layout';
import { Exposition } from '../telemetry/metrics/exposition';
import { FAMILIES } from '../telemetry/metrics/metric-families';
import { Recorder } from '../telemetry/metrics/recorder';
import { NO_PREPARATIONS, TOPIC, type WorkerSnapshot } from '../telemetry/metrics/server-snapshot';
import { type Fleet, MetricsServer } from './metrics-server';

const PROCESS = {
  cpuSeconds: 1,
  residentBytes: 2,
  ownBytes: 1,
  heapUsedBytes: 3,
  heapTotalBytes: 4,
  externalBytes: 5,
  startSeconds: 6,
  eventLoopDelay: { p50: 0, p99: 0, max: 0 },
};

/** A worker that counts, over a channel like that between processes. */
class FakeWorker {
  readonly recorder = new Recorder();
  stuck = false;
  unavailable: string[] = [];
  readonly primarySide: RpcChannel;
  private readonly channel: RpcChannel;
  private sequence = 0;

  constructor(
    readonly id: number,
    private readonly place = String(id),
  ) {
    this.channel = new RpcChannel((message) => this.pass(this.primarySide, message));
    this.primarySide = new RpcChannel((message) => this.pass(this.channel, message));
    this.recorder.model('iris', '1').loaded({ queuedRequests: 1 }, 100);
  }

  snapshot(): WorkerSnapshot {
    const process = { ...PROCESS, cpuSeconds: this.id };
    const { unavailable } = this;
    const figures = this.recorder.snapshot();
    return { sequence: ++this.sequence, figures, process, unavailable, queueLimit: 10 };
  }

  push(snapshot = this.snapshot()): Promise<void> {
    return this.channel.ask(TOPIC.push, snapshot, 1000);
  }

  ask<Value>(topic: string, payload: unknown = null): Promise<Value> {
    return this.channel.ask(topic, payload, 1000);
  }

  async text(): Promise<string> {
    return Buffer.from(await this.ask<Uint8Array>(TOPIC.text, 'prometheus')).toString();
  }

  infer(times: number): void {
    for (let i = 0; i < times; i++) this.recorder.model('iris', '1').failed('v2', 'failed', 1);
  }

  attachTo(server: MetricsServer): this {
    server.attach(this.id, this.place, this.primarySide);
    return this;
  }

  private pass(to: RpcChannel, message: ChannelMessage): void {
    queueMicrotask(() => to.receive(structuredClone(message)));
  }
}

class FakeFleet implements Fleet {
  restarts = 0;
  asked = 0;
  workers: FakeWorker[] = [];

  askAll<Value>({ topic }: FanOut): Promise<Reply<Value>[]> {
    expect(topic).toBe(TOPIC.snapshot);
    this.asked++;
    return Promise.resolve(
      this.workers.map((worker): Reply<Value> =>
        worker.stuck
          ? { worker: worker.id, ok: false, code: 'deadline_exceeded', reason: 'no answer' }
          : { worker: worker.id, ok: true, value: worker.snapshot() as Value },
      ),
    );
  }

  all(): { state: 'ready' }[] {
    return this.workers.map(() => ({ state: 'ready' }));
  }
}

function setUp(): { fleet: FakeFleet; server: MetricsServer; one: FakeWorker; two: FakeWorker } {
  const fleet = new FakeFleet();
  const watch = { figures: () => Promise.resolve(PROCESS) };
  const build = { version: '1', node: '20', onnxruntime: '1' };
  const exposition = new Exposition(build, { models: [], maxModels: 100, buckets: 'few' });
  const server = new MetricsServer(2, fleet, watch, exposition, { failures: 0 }, NO_PREPARATIONS);
  const [one, two] = [new FakeWorker(1).attachTo(server), new FakeWorker(2).attachTo(server)];
  fleet.workers = [one, two];
  return { fleet, server, one, two };
}

function irisIn(figures: Figures): Reading<'models'> {
  return new Reading(
    MODELS,
    figures.models.find(({ labels: [model] }) => model === 'iris'),
  );
}

function failuresIn(figures: Figures): number {
  return irisIn(figures).at(FAMILIES.requests.at.v2.failed);
}

describe('MetricsServer', () => {
  it('adds up all workers, and tells each of them the same', async () => {
    const { one, two } = setUp();
    one.infer(3);
    two.infer(4);
    const [atOne, atTwo] = [await one.ask<Figures>(TOPIC.figures), await two.ask<Figures>(TOPIC.figures)];
    expect(failuresIn(atOne)).toBe(7);
    expect(atTwo).toEqual(atOne);
    const text = await two.text();
    expect(text).toContain('outcome="failed"} 7\n');
    expect(await one.text()).toBe(text);
  });

  it('uses the last word of a worker that does not answer', async () => {
    const { server, one, two } = setUp();
    one.infer(1);
    two.infer(5);
    await two.push();
    two.infer(100);
    two.stuck = true;
    expect(failuresIn((await server.server()).figures)).toBe(6);
  });

  it('keeps the counts of a worker that died, and forgets what it held', async () => {
    const { fleet, server, one, two } = setUp();
    one.infer(3);
    two.infer(4);
    await two.push();
    fleet.workers = [one];
    server.detach(two.id);
    const { figures, queueLimit, processes } = await server.server();
    expect(failuresIn(figures)).toBe(7);
    expect(irisIn(figures).at(FAMILIES.queueRequests.at)).toBe(1);
    expect(irisIn(figures).at(FAMILIES.modelMemory.at)).toBe(100);
    expect(queueLimit).toBe(10);
    expect(processes.map(({ worker }) => worker)).toEqual(['1', 'primary']);
    const three = new FakeWorker(3, '2').attachTo(server);
    fleet.workers = [one, three];
    three.infer(10);
    expect(failuresIn((await server.server()).figures)).toBe(17);
  });

  it('never shows less than it has shown, though a worker dies after it was asked', async () => {
    const { fleet, server, one, two } = setUp();
    await two.push();
    two.infer(4);
    const before = failuresIn((await server.server()).figures);
    fleet.workers = [one];
    server.detach(two.id);
    expect(failuresIn((await server.server()).figures)).toBe(before);
  });

  it('takes no older snapshot for a newer one that overtook it', async () => {
    const { server, one } = setUp();
    const older = one.snapshot();
    one.infer(2);
    expect(failuresIn((await server.server()).figures)).toBe(2);
    one.stuck = true;
    await one.push(older);
    expect(failuresIn((await server.server()).figures)).toBe(2);
  });

  it('shows one process for each place while a worker is replaced', async () => {
    const { fleet, server, one, two } = setUp();
    const successor = new FakeWorker(3, '2').attachTo(server);
    fleet.workers = [one, two, successor];
    const { processes } = await server.server();
    expect(processes.map(({ worker, figures }) => [worker, figures.cpuSeconds])).toEqual([
      ['1', 1],
      ['2', 3],
      ['primary', 1],
    ]);
  });

  it('names a model as available when it serves in every worker', async () => {
    const { one, two } = setUp();
    two.recorder.model('digits', '1').loaded({ queuedRequests: 0 }, 100);
    one.unavailable = ['digits', 'broken'];
    const lines = (await two.text()).split('\n');
    expect(lines.filter((line) => line.startsWith('nestor_model_available'))).toEqual([
      'nestor_model_available{model="iris"} 1',
      'nestor_model_available{model="digits"} 0',
      'nestor_model_available{model="broken"} 0',
    ]);
  });

  it('asks the workers once for many who ask at the same time', async () => {
    const { fleet, one, two } = setUp();
    await Promise.all(Array.from({ length: 20 }, (_, i) => (i % 2 ? one : two).text()));
    expect(fleet.asked).toBeLessThanOrEqual(3);
  });
});
