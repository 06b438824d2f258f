import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseSettings } from '../config/settings';
import { CodecThread } from '../inference/codec-thread';
import type { Traffic } from './gaps';
import { PrivateServer } from './private-server';
import { LIMITS, RunThrough, type RunThroughLimits } from './run-through';
import { Stage } from './stage';

const SHORT = { ...LIMITS, requests: 400 };
/** As often as a client that asks again and again is seen. */
const REAL_EVERY_MS = 5;

/** What a front door would say of real requests. */
class Clients implements Traffic {
  begun = 7;
  underWay = 0;
  private timer: NodeJS.Timeout | undefined;

  /** @param each so many requests at a time */
  come(each = 1): void {
    this.timer = setInterval(() => (this.begun += each), REAL_EVERY_MS);
  }

  leave(): void {
    clearInterval(this.timer);
  }
}

/** Sockets, servers and timers that keep this process alive or would. */
function resources(): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) counts[kind] = (counts[kind] ?? 0) + 1;
  return { sockets: counts.TCPSocketWrap ?? 0, servers: counts.TCPServerWrap ?? 0 };
}

/** Closing takes turns of the event loop, more of them on a busy machine. */
async function settled(before: Record<string, number>): Promise<void> {
  for (let turn = 0; turn < 50 && JSON.stringify(resources()) !== JSON.stringify(before); turn++)
    await sleep(20);
  expect(resources()).toEqual(before);
}

describe('a rehearsal', () => {
  const clients = new Clients();
  const ending = new AbortController();
  let stages: Stage[] = [];

  beforeEach(() => {
    Object.assign(clients, new Clients());
    stages = [];
    const open = Stage.open.bind(Stage);
    jest.spyOn(Stage, 'open').mockImplementation(async (...args) => {
      const stage = await open(...args);
      stages.push(stage);
      return stage;
    });
  });
  afterEach(() => {
    clients.leave();
    jest.restoreAllMocks();
  });

  function rehearse(
    limits: Partial<RunThroughLimits> = {},
    signal = ending.signal,
    env: Record<string, string> = {},
  ): RunThrough {
    const settings = parseSettings(env);
    const codecThread = new CodecThread(settings.cluster);
    return new RunThrough(settings, codecThread, clients, signal, { ...SHORT, ...limits });
  }

  function expectIdle(): void {
    expect(stages.length).toBeGreaterThan(0);
    for (const { queuedRequests, frontDoor } of stages) {
      expect({ queuedRequests, underWay: frontDoor.underWay }).toEqual({ queuedRequests: 0, underWay: 0 });
    }
  }

  it('ends by itself: all protocols are answered, faults are refused, and nothing is left', async () => {
    const before = resources();
    const exit = new Set(process.listeners('exit'));
    const run = rehearse();
    await run.go();
    expect(run.tally).toEqual({ answered: 390, refused: 10 });
    const counted = stages.map(({ recorder }) => recorder.snapshot());
    const answers = counted.map(({ responses }) => responses);
    expect(answers.reduce((sum, [, answered = 0]) => sum + answered, 0)).toBe(390);
    expect(answers.reduce((sum, [, , , refused = 0]) => sum + refused, 0)).toBe(10);
    for (const { models } of counted) expect(models.map(({ model }) => model)).toEqual(['', 'rehearsal']);
    expectIdle();
    await settled(before);
    expect(new Set(process.listeners('exit'))).toEqual(exit);
  });

  it.each(['true', 'false'])('answers the same with CACHE_ENABLED=%s', async (enabled) => {
    const run = rehearse({}, ending.signal, { CACHE_ENABLED: enabled });
    await run.go();
    expect(run.tally).toEqual({ answered: 390, refused: 10 });
  });

  it('goes by the prefix of the API', async () => {
    const run = rehearse({}, ending.signal, { API_PREFIX: '/elsewhere' });
    await run.go();
    expect(run.tally.refused).toBe(10);
  });

  it('waits while real requests come, and goes on when they stop', async () => {
    clients.come();
    const run = rehearse();
    const end = run.go();
    await sleep(300);
    expect(run.tally.answered).toBeLessThan(SHORT.requests / 2);
    clients.leave();
    await end;
    expect(run.tally.answered).toBe(390);
  });

  it('waits while a real request has no answer', async () => {
    clients.underWay = 1;
    const run = rehearse();
    const end = run.go();
    await sleep(200);
    expect(run.tally.answered).toBe(0);
    clients.underWay = 0;
    await end;
    expect(run.tally.answered).toBe(390);
  });

  it('is over when real requests have done its work', async () => {
    clients.come(20);
    const run = rehearse({ realRequests: 200 });
    await run.go();
    expect(run.tally.answered).toBeLessThan(SHORT.requests / 2);
  });

  it('is given up where nobody leaves it time', async () => {
    clients.come();
    await rehearse({ longestMs: 100 }).go();
    expectIdle();
  });

  it.each(['in the middle of it', 'while it waits'])('ends at once when it is told to, %s', async (when) => {
    const before = resources();
    const stop = new AbortController();
    if (when === 'while it waits') clients.underWay = 1;
    const end = rehearse({ requests: 1e6 }, stop.signal).go();
    await sleep(150);
    const ended = expect(end).rejects.toThrow();
    const startMs = performance.now();
    stop.abort();
    await ended;
    expect(performance.now() - startMs).toBeLessThan(1000);
    // What was under way ends when its socket says that it is closed, a turn later.
    for (let turn = 0; turn < 50 && stages.some(({ frontDoor }) => frontDoor.underWay > 0); turn++)
      await sleep(20);
    expectIdle();
    await settled(before);
  });
});

describe('its server', () => {
  const { signal } = new AbortController();

  it('destroys connections of others, and takes none once its own are in use', async () => {
    const server = new PrivateServer({}, (_req, res) => void res.end());
    const port = await server.listen();
    try {
      const silent = connect(port, '127.0.0.1').on('error', () => undefined);
      const asking = connect(port, '127.0.0.1').on('error', () => undefined);
      let answer = '';
      asking.on('data', (piece: Buffer) => (answer += piece.toString()));
      asking.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
      await once(asking, 'close');
      expect(answer).toBe('');
      const [own] = await server.connect(port, 1, signal);
      own!.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
      const [piece] = (await once(own!, 'data')) as [Buffer];
      expect(piece.toString()).toMatch(/^HTTP\/1.1 200 /);
      if (!silent.closed) await once(silent, 'close');
      const late = connect(port, '127.0.0.1');
      await expect(once(late, 'connect')).rejects.toThrow('ECONNREFUSED');
    } finally {
      server.close();
    }
  });
});
