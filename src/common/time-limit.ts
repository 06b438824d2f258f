/** An operation that was not over in time; it goes on, but nobody waits for it any more. */
export class TimedOut extends Error {
  constructor(limitMs: number) {
    super(`no answer within ${limitMs} ms`);
    this.name = 'TimedOut';
  }
}

/**
 * What `operation` gives, unless that takes longer than `limitMs`.
 * @throws TimedOut, and what the operation throws
 */
export function within<T>(limitMs: number, operation: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      // Timers come before sockets: what arrived while this very event loop was late shall not count as late.
      setImmediate(() => reject(new TimedOut(limitMs)));
    }, limitMs);
    const settle = <V>(end: (value: V) => void) => {
      return (value: V): void => {
        clearTimeout(timer);
        end(value);
      };
    };
    operation.then(settle(resolve), settle(reject));
  });
}
