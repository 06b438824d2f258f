import { Agent, request } from 'node:http';
import { type Call, drawCall } from './calls';
import type { Deaths, Whereabouts } from './deaths';

const PACE_MS = 5;
/** A client's own patience: who waits longer was forgotten. */
const PATIENCE_MS = 120_000;
/** Where so much is on its way, the machine has no time for more: the next are sent when others are back. */
const MOST_UNDER_WAY_S = 5;
/** One request in so many comes on a connection of its own. */
const FRESH_ONE_IN = 4;
/** The statuses with which a server may refuse what it could not do now. */
const HONEST = new Set([429, 503, 504]);

/** What became of a request. `in-flight`: lost together with the killed worker that held it. */
export type Outcome = 'right' | 'refused' | 'in-flight' | 'fault';

export interface Settled {
  readonly outcome: Outcome;
  readonly tookMs: number;
  /** Why it was refused, or what is wrong. */
  readonly reason: string;
}

/** Requests at a steady rate, whatever becomes of those of the last seconds, and none is ever sent again. */
export class ChaosLoad {
  /** The oldest version of the changing model that may answer what is sent from here on. */
  oldest = 1;
  private readonly agent = new Agent({ keepAlive: true });
  private readonly pending = new Set<Promise<void>>();
  private settled: Settled[] = [];
  private readonly timer: NodeJS.Timeout;

  constructor(
    private readonly port: number,
    ratePerSecond: number,
    private readonly random: (below: number) => number,
    private readonly deaths: Deaths,
  ) {
    let lastMs = performance.now();
    let due = 0;
    this.timer = setInterval(() => {
      const nowMs = performance.now();
      due += ((nowMs - lastMs) * ratePerSecond) / 1000;
      lastMs = nowMs;
      const room = Math.max(0, ratePerSecond * MOST_UNDER_WAY_S - this.pending.size);
      for (due = Math.min(due, room); due >= 1; due--) this.send();
    }, PACE_MS);
  }

  /** Waits for the answers to what was sent so far, and takes them. */
  async take(): Promise<Settled[]> {
    await Promise.all(this.pending);
    const { settled } = this;
    this.settled = [];
    return settled;
  }

  /** Sends nothing more. */
  stop(): void {
    clearInterval(this.timer);
  }

  close(): void {
    this.stop();
    this.agent.destroy();
  }

  private send(): void {
    const call = drawCall(this.random, this.oldest);
    const fresh = this.random(FRESH_ONE_IN) === 0;
    const sending = this.exchange(call, fresh).then((settled) => {
      this.settled.push(settled);
      this.pending.delete(sending);
    });
    this.pending.add(sending);
  }

  private exchange(call: Call, fresh: boolean): Promise<Settled> {
    const sentMs = performance.now();
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(call.body) };
    return new Promise((resolve) => {
      const req = request({
        port: this.port,
        host: '127.0.0.1',
        method: 'POST',
        path: call.path,
        agent: fresh ? false : this.agent,
        headers,
      });
      let port: number | undefined;
      const settle = (outcome: Outcome, reason: string): void => {
        clearTimeout(patience);
        resolve({ outcome, reason, tookMs: performance.now() - sentMs });
      };
      const lost = (error: NodeJS.ErrnoException): void => {
        const where: Whereabouts = { port, sentMs, lostMs: performance.now() };
        const what = `lost: ${error.code ?? error.message}`;
        if (this.deaths.explain(where)) settle('in-flight', what);
        else settle('fault', `${what} (${this.deaths.describe(where)})`);
      };
      const patience = setTimeout(() => req.destroy(new Error('left waiting')), PATIENCE_MS);
      req.on('socket', (socket) => {
        const note = (): void => void (port = socket.localPort);
        if (socket.connecting) socket.once('connect', note);
        else note();
      });
      req.on('error', lost);
      req.on('response', (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', lost);
        response.on('end', () => {
          const { outcome, reason } = judge(call, response.statusCode ?? 0, Buffer.concat(chunks).toString());
          settle(outcome, reason);
        });
      });
      req.end(call.body);
    });
  }
}

function judge(call: Call, status: number, text: string): { outcome: Outcome; reason: string } {
  let body: { message?: unknown; error?: unknown };
  try {
    body = JSON.parse(text) as typeof body;
  } catch {
    return { outcome: 'fault', reason: `${status} with a body that is no JSON: ${text}` };
  }
  if (status === 200) {
    const fault = call.fault(body);
    return { outcome: fault === undefined ? 'right' : 'fault', reason: fault ?? '' };
  }
  const said = body.message ?? body.error;
  const honest = HONEST.has(status) && typeof said === 'string' && said !== '';
  return { outcome: honest ? 'refused' : 'fault', reason: `${status}: ${String(said)}` };
}
