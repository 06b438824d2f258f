import { execFile } from 'node:child_process';
import { connect } from 'node:net';
import { promisify } from 'node:util';
import { isAlive } from '../helpers/processes';
import type { TestRedis } from '../helpers/redis';
import type { TestServer } from '../helpers/server';
import { setTimeout as sleep } from 'node:timers/promises';
import { askOnce } from './asking';
import { CHANGING, CONSTANT } from './calls';
import type { ChangingModel } from './changing-model';
import { holdersOf } from './connections';
import type { Deaths } from './deaths';
import type { ChaosLoad } from './load';

const run = promisify(execFile);

interface WorkerSeen {
  pid: number;
  state: string;
  ready: boolean;
  heartbeat_age_seconds?: number;
}

/** A worker whose heart has not beaten for longer serves nobody. */
const FRESH_S = 2;

/** What native code dies of. */
const NATIVE = new Set(['SIGSEGV', 'SIGFPE', 'SIGABRT', 'SIGBUS', 'SIGILL', 'SIGTRAP']);
/** How long somebody asks who is refused for now. */
const PATIENCE_MS = 60_000;
const ASK_AGAIN_MS = 250;
const FOR_NOW = [429, 503];
/** Of a load that failed by what was done to a worker meanwhile, and not by the model. */
const HARMED = /died while it loaded|EMFILE|system error number 24|bad_alloc|bad allocation/;

/** What a disturbance has in its hands. */
export class Stage {
  private struckMs = performance.now();

  constructor(
    readonly server: TestServer,
    private readonly managementPort: number,
    readonly size: number,
    readonly model: ChangingModel,
    readonly sent: ChaosLoad,
    readonly deaths: Deaths,
    readonly redis: TestRedis | undefined,
    private readonly random: (below: number) => number,
  ) {}

  get primary(): number {
    return this.server.process.pid ?? 0;
  }

  draw<T>(from: readonly T[]): T {
    const drawn = from[this.random(from.length)];
    if (drawn === undefined) throw new Error('nothing to draw from');
    return drawn;
  }

  victim(): number {
    return this.draw(this.server.workers());
  }

  /** From here on the time until full strength counts. */
  strike(): void {
    this.struckMs = performance.now();
  }

  /** Waits until every worker serves again; how long that took since the strike, in milliseconds. */
  async fullStrength(): Promise<number> {
    await this.server.until('every worker serves', async () => {
      const serving = (await this.workers()).filter(isServing);
      return serving.length === this.size;
    });
    return performance.now() - this.struckMs;
  }

  async allNew(before: readonly number[]): Promise<void> {
    await this.server.until('all workers are new', async () => {
      const serving = (await this.workers()).filter(isServing);
      return serving.length === this.size && !serving.some(({ pid }) => before.includes(pid));
    });
  }

  /** Ends a worker by a signal. It stands still while its connections are looked up, so none is overlooked. */
  async kill(signal: NodeJS.Signals): Promise<void> {
    const victim = this.victim();
    process.kill(victim, 'SIGSTOP');
    this.deaths.expect(victim, this.server.workers());
    this.strike();
    process.kill(victim, signal);
    process.kill(victim, 'SIGCONT');
    await this.deaths.gone(victim);
  }

  /**
   * Sends a request that ends the worker which runs it. Its connection is there, and the worker that holds it stands still,
   * before the body is sent: so it is known who will die.
   * @returns false where a worker refused it instead
   */
  async killByRequest(path: string, body: string): Promise<boolean> {
    const { server } = this;
    const socket = connect(server.port, '127.0.0.1');
    let answered = false;
    socket.on('error', () => undefined).once('data', () => (answered = true));
    socket.write(
      `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n`,
    );
    try {
      let victim: number | undefined;
      await server.until('a worker has the connection', () => {
        victim = new Map(holdersOf(server.port, server.workers())).get(socket.localPort ?? 0);
        return victim !== undefined;
      });
      process.kill(victim!, 'SIGSTOP');
      this.deaths.expect(victim!, server.workers());
      this.strike();
      socket.write(body);
      process.kill(victim!, 'SIGCONT');
      await server.until('it died or refused', () => answered || !isAlive(victim!));
      if (answered) this.deaths.spared(victim!);
      else await this.deaths.gone(victim!);
      return !answered;
    } finally {
      socket.destroy();
    }
  }

  /** Asks once; what is lost with a worker that the suite killed is asked again. Gives the status and the reason, if any. */
  async ask(path: string, body: string): Promise<{ status: number; error: string; code: string }> {
    for (;;) {
      const asked = await askOnce(this.server.port, path, body);
      if (asked.status === 0) {
        if (!this.deaths.explain(asked))
          throw new Error(`${path} was lost: ${asked.text} (${this.deaths.describe(asked)})`);
        continue;
      }
      const said = JSON.parse(asked.text) as { error?: string; message?: string; code?: string };
      return { status: asked.status, error: said.error ?? said.message ?? '', code: said.code ?? '' };
    }
  }

  /** The same, and again while it is refused for now: something else may be in the way. */
  async askPatiently(path: string, body: string): Promise<{ status: number; error: string; code: string }> {
    const endMs = performance.now() + PATIENCE_MS;
    for (;;) {
      const answer = await this.ask(path, body);
      if (!FOR_NOW.includes(answer.status) || performance.now() > endMs) return answer;
      await sleep(ASK_AGAIN_MS);
    }
  }

  /** Workers that native code ended since the server had said so much, but for those that the suite killed. */
  killedByNativeCode(since: number): string[] {
    const ends = this.server.output.slice(since).matchAll(/"workerPid":(\d+),.*"signal":"(\w+)"/g);
    return [...ends].flatMap(([, pid, signal = '']) =>
      NATIVE.has(signal) && !this.deaths.isExpected(Number(pid)) ? [`${pid} by ${signal}`] : [],
    );
  }

  /** Deploys the next version on the whole server. */
  async deploy(): Promise<void> {
    this.model.deployNext();
    const error = await this.tryLoad();
    if (error === undefined) return;
    const again = HARMED.test(error) ? await this.tryLoad() : error;
    if (again !== undefined) throw new Error(`Version ${this.model.version} was not loaded: ${again}`);
  }

  /** Has the whole server load what was deployed. Once it says so, no older version may answer. @returns why it has not */
  async tryLoad(): Promise<string | undefined> {
    const { status, error } = await this.load(CHANGING);
    if (status !== 200) return `${status}: ${error}`;
    this.sent.oldest = this.model.version;
    return undefined;
  }

  /** Workers that died of signals while they ran a model accuse it, and after the second it is set aside: a load call clears it. */
  async clear(): Promise<void> {
    const { status } = await this.load(CONSTANT);
    const error = await this.tryLoad();
    if (status !== 200 || error !== undefined)
      throw new Error(`A load call does not clear a model: ${error}`);
  }

  /** A load must be refused, with a reason. */
  async loadInVain(expected: readonly number[]): Promise<void> {
    const { status, error } = await this.load(CHANGING);
    if (!expected.includes(status) || error === '') {
      throw new Error(`A load that cannot succeed was answered with ${status} "${error}".`);
    }
  }

  private load(model: string): Promise<{ status: number; error: string }> {
    return this.ask(`/v2/repository/models/${model}/load`, '');
  }

  /** Lowers a limit of a running process, such as `nofile`. Returns what puts it back. Another disturbance may end it before. */
  async limit(pid: number, resource: string, value: number): Promise<() => Promise<unknown>> {
    const process = `--pid=${pid}`;
    const prlimit = async (...args: string[]): Promise<string> => {
      try {
        return (await run('prlimit', [process, ...args])).stdout.trim();
      } catch (error) {
        if (isAlive(pid)) throw error;
        return '';
      }
    };
    const before = await prlimit(`--${resource}`, '--noheadings', '--output=SOFT');
    await prlimit(`--${resource}=${Math.floor(value)}:`);
    return () => prlimit(`--${resource}=${before}:`);
  }

  private async workers(): Promise<WorkerSeen[]> {
    const answer = await fetch(`http://127.0.0.1:${this.managementPort}/workers`);
    return ((await answer.json()) as { workers: WorkerSeen[] }).workers;
  }
}

function isServing({ pid, state, ready, heartbeat_age_seconds: age }: WorkerSeen): boolean {
  return state === 'ready' && ready && isAlive(pid) && (age ?? Infinity) < FRESH_S;
}
