const { performance } = require('node:perf_hooks');
const { setTimeout: sleep } = require('node:timers/promises');
const { Pool } = require('./pool');
const { Tally, between, readClocks } = require('./tally');

/** So many clients of which each sends its next request when it has the answer to its last. */
class ClosedLoop {
  constructor(plan) {
    this.plan = plan;
    this.tally = new Tally();
    this.waiting = [];
    this.isRunning = false;
    this.pool = new Pool(plan.port, {
      ready: (connection) => this.#send(connection),
      answered: ({ dueMs }, status) => this.tally.answer(status, performance.now() - dueMs),
      broken: () => this.tally.failure(),
    });
  }

  connect() {
    return this.pool.open(this.plan.connections);
  }

  #send(connection) {
    if (this.isRunning) connection.send(this.plan.request, performance.now());
    else this.waiting.push(connection);
  }

  async run() {
    const { settleMs, windowMs, serverPids } = this.plan;
    this.isRunning = true;
    for (const connection of this.waiting) this.#send(connection);
    await sleep(settleMs);
    this.tally = new Tally();
    const before = readClocks(serverPids);
    await sleep(windowMs);
    const after = readClocks(serverPids);
    this.isRunning = false;
    this.pool.close();
    return { ...between(before, after), ...this.tally };
  }
}

module.exports = { ClosedLoop };
