import { type ClusterConfig, type HttpConfig } from '../../config/config.slices';
import { JsonThread, type Offloadable, offloadable } from './json-thread';

function double(n: number): number {
  return 2 * n;
}
const DOUBLE = offloadable(__filename, double, { consumes: false });
const LARGE = 2 ** 20;

/** One whose thread never gets to the work, or does it here. */
class OtherThread extends JsonThread {
  constructor(private readonly isBusy: boolean) {
    super({ threadNiceness: 0 } as ClusterConfig, { jsonAnswerLimitBytes: 1000 } as HttpConfig);
  }

  protected override post<Args extends readonly unknown[], Value>(
    work: Offloadable<Args, Value>,
    args: Args,
  ): Promise<Value> {
    return this.isBusy ? new Promise(() => undefined) : Promise.resolve(work.call(...args));
  }
}

describe('JsonThread', () => {
  it('is waited for until the deadline of the call, as it is by then', async () => {
    const call = { deadlineMs: Infinity };
    const thread = new OtherThread(true);
    call.deadlineMs = performance.now() + 1;
    await expect(thread.run(DOUBLE, LARGE, [2], call)).rejects.toMatchObject({ code: 'deadline_exceeded' });
  });

  it('hands on what comes in time, and at once what is small', async () => {
    const call = { deadlineMs: performance.now() + 60_000 };
    expect(await new OtherThread(false).run(DOUBLE, LARGE, [2], call)).toBe(4);
    const busy = new OtherThread(true);
    expect(busy.run(DOUBLE, 10, [2], call)).toBe(4);
    expect(busy.mostJsonBytes).toBe(1000);
  });
});
