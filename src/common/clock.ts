/** Time and turns of the event loop, as the scheduler sees them; a test hands in its own. */
export interface Clock {
  /** Milliseconds with fractions, monotonic. */
  now(): number;
  setTimeout(callback: () => void, delayMs: number): unknown;
  clearTimeout(timer: unknown): void;
  /** Calls back when this turn of the event loop has read its sockets. */
  setImmediate(callback: () => void): void;
}

/** The process's own clock. Its timers do not hold the process up: a server's sockets and threads do. */
export const systemClock: Clock = {
  now: () => performance.now(),
  setTimeout: (callback, delayMs) => setTimeout(callback, delayMs).unref(),
  clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout),
  setImmediate: (callback) => {
    setImmediate(callback);
  },
};
