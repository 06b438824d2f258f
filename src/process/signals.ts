import { isHangUp } from './hang-up';

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

export interface SignalHandlers {
  /** The first signal: finish and leave. */
  stop(signal: NodeJS.Signals): Promise<void>;
  /** Another one while that goes on: the user has no patience. */
  leaveAtOnce(): void;
  /** SIGHUP, unless it is the end of the terminal: that is a stop. */
  reload(): void;
}

/** Signals that come this close together are one: a terminal's Ctrl-C reaches npm and its child both. */
const SAME_SIGNAL_MS = 500;

export function onSignals(handlers: SignalHandlers): void {
  let stoppingSinceMs: number | undefined;
  const stop = (signal: NodeJS.Signals): void => {
    stoppingSinceMs = performance.now();
    handlers.stop(signal).catch((error: unknown) => {
      console.error(error);
      process.exit(1);
    });
  };
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      if (stoppingSinceMs === undefined) stop(signal);
      else if (performance.now() - stoppingSinceMs > SAME_SIGNAL_MS) handlers.leaveAtOnce();
    });
  }
  process.on('SIGHUP', () => {
    if (!isHangUp()) handlers.reload();
    // A shell and the system may both say that a terminal is gone.
    else if (stoppingSinceMs === undefined) stop('SIGHUP');
  });
}
