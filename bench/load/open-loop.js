const { performance } = require('node:perf_hooks');
const { setTimeout: sleep } = require('node:timers/promises');
const { Histogram } = require('../lib/histogram');
const { randomFrom } = require('../lib/numbers');
const { Pool } = require('./pool');
const { Tally, between, readClocks } = require('./tally');

const TICK_MS = 1;
const ZERO = '0'.charCodeAt(0);
/** How long after the last arrival an answer is still waited for, on top of the deadline. */
const GRACE_MS = 900;

/**
 * Requests that arrive at a fixed mean rate whatever becomes of those before (exponential gaps, as of many clients
 * who know nothing of each other). Latency counts from the moment a request was due, also while it found no
 * free connection; one that finds none until its deadline is given up.
 */
class OpenLoop {
  constructor(plan) {
    this.plan = plan;
    this.random = randomFrom(plan.seed);
    this.gapMs = () => (-Math.log(1 - this.random()) * 1000) / plan.ratePerSecond;
    this.nextMs = Infinity;
    this.untilMs = Infinity;
    /** Only those due from here on count. */
    this.countFromMs = Infinity;
    this.offered = 0;
    this.unsent = 0;
    /** How late this process itself was with the arrivals. */
    this.lateness = new Histogram();
    this.tally = new Tally(plan.deadlineMs);
    /** When those were due that have not been sent, in that order. */
    this.waiting = [];
    this.idle = [];
    this.pool = new Pool(plan.port, {
      ready: (connection) => {
        this.idle.push(connection);
        if (this.waiting.length > 0) this.#sendWaiting();
      },
      answered: ({ dueMs }, status) => {
        if (dueMs >= this.countFromMs) this.tally.answer(status, performance.now() - dueMs);
      },
      broken: ({ dueMs }) => {
        if (dueMs >= this.countFromMs) this.tally.failure();
      },
    });
  }

  connect() {
    return this.pool.open(this.plan.connections);
  }

  async run() {
    const { settleMs, windowMs, serverPids, deadlineMs } = this.plan;
    this.nextMs = performance.now() + this.gapMs();
    this.#tick();
    await sleep(settleMs);
    const before = readClocks(serverPids);
    this.countFromMs = before.ms;
    await sleep(windowMs);
    const after = readClocks(serverPids);
    this.untilMs = after.ms;
    this.#arrive();
    await this.#settled(after.ms + deadlineMs + GRACE_MS);
    this.pool.close();
    const { offered, unsent, lateness } = this;
    return { ...between(before, after), ...this.tally, offered, unsent, lateness };
  }

  #tick() {
    if (this.nextMs > this.untilMs) return;
    this.#arrive();
    setTimeout(() => this.#tick(), TICK_MS);
  }

  #arrive() {
    const nowMs = performance.now();
    for (; this.nextMs <= Math.min(nowMs, this.untilMs); this.nextMs += this.gapMs()) {
      this.waiting.push(this.nextMs);
      if (this.nextMs < this.countFromMs) continue;
      this.offered++;
      this.lateness.record(nowMs - this.nextMs);
    }
    this.#sendWaiting();
  }

  #sendWaiting() {
    const { request, deadlineMs } = this.plan;
    const nowMs = performance.now();
    let taken = 0;
    for (const dueMs of this.waiting) {
      if (nowMs - dueMs > deadlineMs) {
        if (dueMs >= this.countFromMs) this.unsent++;
      } else {
        const connection = this.#takeIdle();
        if (connection === undefined) break;
        this.#stateTimeLeft(Math.ceil(deadlineMs - (nowMs - dueMs)));
        connection.send(request, dueMs);
      }
      taken++;
    }
    this.waiting.splice(0, taken);
  }

  /** Into the bytes of the request that is sent next, in the three digits that are there for it. */
  #stateTimeLeft(ms) {
    const { request, timeoutAt } = this.plan;
    for (let at = timeoutAt + 2, rest = Math.max(1, ms); at >= timeoutAt; at--, rest = Math.floor(rest / 10))
      request[at] = ZERO + (rest % 10);
  }

  /** Any of them, as if each were a client's own: the one used last would always come from the idler worker. */
  #takeIdle() {
    const { idle, random } = this;
    while (idle.length > 0) {
      const at = Math.floor(random() * idle.length);
      const connection = idle[at];
      idle[at] = idle.at(-1);
      idle.pop();
      if (connection.isOpen) return connection;
    }
    return undefined;
  }

  /** All are answered, or it is too late for them. */
  async #settled(untilMs) {
    const isBusy = () => [...this.pool.connections].some(({ inFlight }) => inFlight);
    while (performance.now() < untilMs && (this.waiting.length > 0 || isBusy())) {
      await sleep(10);
      this.#sendWaiting();
    }
  }
}

module.exports = { OpenLoop };
