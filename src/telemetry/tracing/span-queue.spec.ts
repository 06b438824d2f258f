import type { Span } from './span';
import { SpanQueue } from './span-queue';

const SPAN: Span = {
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: 'b7ad6b7169203331',
  parentId: undefined,
  name: 'decode',
  kind: 'internal',
  startMs: 1,
  endMs: 2,
  error: undefined,
  attributes: {},
  links: [],
};

/** A collector that takes spans when it is told to. */
class Collector {
  readonly batches: number[] = [];
  readonly told: string[] = [];
  private answers: { resolve: () => void; reject: (reason: unknown) => void }[] = [];
  readonly queue = new SpanQueue(
    (spans) => {
      this.batches.push(spans.length);
      return new Promise<void>((resolve, reject) => this.answers.push({ resolve, reject }));
    },
    {
      dropped: (spans) => this.told.push(`dropped ${spans}`),
      exportFailed: (reason, isFirst) => this.told.push(`failed ${String(reason)} ${isFirst}`),
      recovered: () => this.told.push('recovered'),
    },
  );

  add(spans: number): void {
    for (let i = 0; i < spans; i++) this.queue.add(SPAN);
  }

  /** Answers what it was sent first. */
  async answer(failure?: unknown): Promise<void> {
    const one = this.answers.shift()!;
    if (failure === undefined) one.resolve();
    else one.reject(failure);
    for (let i = 0; i < 10; i++) await Promise.resolve();
  }
}

describe('spans that wait for their export', () => {
  it('go in batches, one at a time', async () => {
    const collector = new Collector();
    collector.add(511);
    expect(collector.batches).toEqual([]);
    collector.add(1);
    collector.add(513);
    expect(collector.batches).toEqual([512]);
    await collector.answer();
    expect(collector.batches).toEqual([512, 512]);
    await collector.answer();
    expect(collector.batches).toEqual([512, 512]);
    expect(collector.told).toEqual([]);
  });

  it('are dropped beyond a bound while the collector hangs', async () => {
    const collector = new Collector();
    collector.add(512 + 2048 + 3);
    expect(collector.batches).toEqual([512]);
    expect(collector.told).toEqual(['dropped 1', 'dropped 1', 'dropped 1']);
    await collector.answer();
    collector.add(1);
    expect(collector.told).toHaveLength(3);
  });

  it('are lost with a failed export, which is told of anew once it had recovered', async () => {
    const collector = new Collector();
    collector.add(512);
    // What the exporter rejects with at its end.
    await collector.answer([new Error('away')]);
    collector.add(512);
    await collector.answer('away');
    collector.add(512);
    await collector.answer();
    collector.add(512);
    await collector.answer('away');
    expect(collector.told).toEqual([
      'dropped 512',
      'failed Error: away true',
      'dropped 512',
      'failed away false',
      'recovered',
      'dropped 512',
      'failed away true',
    ]);
  });

  it('go out at the end, all of them', async () => {
    const collector = new Collector();
    collector.add(700);
    const closed = collector.queue.close(60_000);
    await collector.answer();
    await collector.answer();
    await closed;
    expect(collector.batches).toEqual([512, 188]);
    collector.add(1);
    expect(collector.told).toEqual(['dropped 1']);
  });

  it.each(['hangs', 'is away'])(
    'hold the end up no longer than they may when the collector %s',
    async (how) => {
      const collector = new Collector();
      collector.add(700);
      const closed = collector.queue.close(how === 'hangs' ? 1 : 60_000);
      if (how === 'is away') await collector.answer(new Error('away'));
      await closed;
      expect(collector.batches).toEqual([512]);
      expect(collector.told.at(-1)).toBe('dropped 188');
    },
  );
});
