const { performance } = require('node:perf_hooks');
const { setTimeout: sleep } = require('node:timers/promises');
const { Histogram } = require('../lib/histogram');
const { randomFrom } = require('../lib/numbers');
const { Connection } = require('./connection');
const { Tally, between, readClocks } = require('./tally');

const TICK_MS = 1;
/** How long after the last arrival an answer still counts, on top of the deadline. */
const GRACE_MS = 900;

/**
 * Requests that arrive at a fixed mean rate whatever becomes of those before (exponential gaps, as of many clients
 * who know nothing of each other). Latency counts from the moment a request was due, also while it found no
 * connection; one that finds none until its deadline is given up.
 */
class Arrivals {
  constructor({ port, request, ratePerSecond, deadlineMs, maxConnections, seed }) {
    Object.assign(this, { port, request, deadlineMs, maxConnections });
    const random = randomFrom(seed);
    this.gapMs = () => (-Math.log(1 - random()) * 1000) / ratePerSecond;
    this.nextMs = performance.now() + this.gapMs();
    this.untilMs = Infinity;
    this.finished = false;
    /** Only those due from here on count. */
    this.countFromMs = Infinity;
    this.offered = 0;
    this.unsent = 0;
    /** How late this process itself was with the arrivals. */
    this.lateness = new Histogram();
    this.tally = new Tally(deadlineMs);
    this.waiting = [];
    this.idle = [];
    this.open = new Set();
    this.connecting = 0;
    this.#tick();
  }

  #tick() {
    const nowMs = performance.now();
    for (; this.nextMs <= Math.min(nowMs, this.untilMs); this.nextMs += this.gapMs()) {
      this.waiting.push(this.nextMs);
      if (this.nextMs < this.countFromMs) continue;
      this.offered++;
      this.lateness.record(nowMs - this.nextMs);
    }
    this.#pump();
    if (this.nextMs <= this.untilMs) setTimeout(() => this.#tick(), TICK_MS);
  }

  #pump() {
    const nowMs = performance.now();
    let taken = 0;
    for (const dueMs of this.waiting) {
      if (nowMs - dueMs > this.deadlineMs) {
        if (dueMs >= this.countFromMs) this.unsent++;
      } else {
        const connection = this.idle.pop();
        if (connection === undefined) break;
        connection.send(this.request, dueMs);
      }
      taken++;
    }
    this.waiting.splice(0, taken);
    const room = this.maxConnections - this.open.size;
    for (let i = Math.min(room, this.waiting.length - this.connecting); i > 0; i--) this.#connect();
  }

  #connect() {
    this.connecting++;
    let opened = false;
    const settled = () => {
      if (!opened) this.connecting--;
      opened = true;
    };
    const connection = new Connection(this.port, {
      opened: (connection) => {
        settled();
        this.idle.push(connection);
        this.#pump();
      },
      answered: (connection, status) => {
        if (connection.dueMs >= this.countFromMs)
          this.tally.answer(status, performance.now() - connection.dueMs);
        if (!connection.isOpen) return;
        this.idle.push(connection);
        if (this.waiting.length > 0) this.#pump();
      },
      closed: (connection, inFlight) => {
        settled();
        this.open.delete(connection);
        if (!inFlight) this.idle = this.idle.filter((other) => other !== connection);
        else if (!this.finished && connection.dueMs >= this.countFromMs) this.tally.failure();
      },
    });
    this.open.add(connection);
  }

  /** No more arrivals; resolves when all are answered, or it is too late for them. */
  async finish() {
    this.untilMs = performance.now();
    this.#tick();
    const giveUpMs = this.untilMs + this.deadlineMs + GRACE_MS;
    while (performance.now() < giveUpMs && (this.waiting.length > 0 || this.idle.length < this.open.size)) {
      await sleep(10);
      this.#pump();
    }
    this.finished = true;
    for (const connection of this.open) connection.close();
    return this.tally;
  }
}

async function openLoop(plan) {
  const arrivals = new Arrivals(plan);
  await sleep(plan.settleMs);
  arrivals.countFromMs = performance.now();
  const before = readClocks(plan.serverPids);
  await sleep(plan.windowMs);
  const after = readClocks(plan.serverPids);
  const tally = await arrivals.finish();
  const { offered, unsent, lateness } = arrivals;
  return { ...between(before, after), ...tally, offered, unsent, lateness };
}

module.exports = { openLoop };
