const { Connection } = require('./connection');

/** More at a time could overrun a server's queue of new connections, and the rest would wait for a second. */
const OPENED_AT_A_TIME = 32;
const RECONNECT_MS = 5;

/** A steady number of connections to one server; one that closes is replaced. */
class Pool {
  /**
   * `ready(connection)`: it can send a request; `answered(connection, status)` comes before that;
   * `broken(connection)`: it was closed in place of an answer.
   */
  constructor(port, handlers) {
    this.port = port;
    this.handlers = handlers;
    this.connections = new Set();
    this.isClosed = false;
  }

  async open(count) {
    for (let left = count; left > 0; left -= OPENED_AT_A_TIME) {
      const some = Array.from({ length: Math.min(left, OPENED_AT_A_TIME) }, () => this.#connect());
      await Promise.all(some);
    }
  }

  close() {
    this.isClosed = true;
    for (const connection of this.connections) connection.close();
  }

  /** Resolves when it has become of use, or of none. */
  #connect() {
    const { ready, answered, broken } = this.handlers;
    return new Promise((resolve) => {
      const connection = new Connection(this.port, {
        opened: () => {
          resolve();
          ready(connection);
        },
        answered: (status) => {
          answered(connection, status);
          if (connection.isOpen) ready(connection);
        },
        closed: (inFlight) => {
          resolve();
          this.connections.delete(connection);
          if (this.isClosed) return;
          if (inFlight) broken(connection);
          setTimeout(() => this.isClosed || this.#connect(), RECONNECT_MS);
        },
      });
      this.connections.add(connection);
    });
  }
}

module.exports = { Pool };
