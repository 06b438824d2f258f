const { performance } = require('node:perf_hooks');
const { setTimeout: sleep } = require('node:timers/promises');
const { Connection } = require('./connection');
const { Tally, between, readClocks } = require('./tally');

const RECONNECT_MS = 5;

/** So many clients of which each sends its next request when it has the answer to its last. */
class Clients {
  constructor({ port, request, connections }) {
    this.port = port;
    this.request = request;
    this.tally = new Tally();
    this.running = true;
    this.open = new Set();
    for (let i = 0; i < connections; i++) this.#connect();
  }

  #connect() {
    if (!this.running) return;
    this.open.add(
      new Connection(this.port, {
        opened: (connection) => this.#send(connection),
        answered: (connection, status) => {
          this.tally.answer(status, performance.now() - connection.dueMs);
          this.#send(connection);
        },
        closed: (connection, inFlight) => {
          this.open.delete(connection);
          if (inFlight && this.running) this.tally.failure();
          setTimeout(() => this.#connect(), RECONNECT_MS);
        },
      }),
    );
  }

  #send(connection) {
    if (connection.isOpen && this.running) connection.send(this.request, performance.now());
  }

  stop() {
    this.running = false;
    for (const connection of this.open) connection.close();
  }
}

async function closedLoop(plan) {
  const clients = new Clients(plan);
  await sleep(plan.settleMs);
  clients.tally = new Tally();
  const before = readClocks(plan.serverPids);
  await sleep(plan.windowMs);
  const after = readClocks(plan.serverPids);
  const { tally } = clients;
  clients.stop();
  return { ...between(before, after), ...tally };
}

module.exports = { closedLoop };
