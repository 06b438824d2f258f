const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

export interface StopHandlers {
  /** The first signal: finish and leave. */
  stop(signal: NodeJS.Signals): Promise<void>;
  /** Another one while that goes on: the user has no patience. */
  leaveAtOnce(): void;
}

/** Signals that come this close together are one: a terminal's Ctrl-C reaches npm and its child both. */
const SAME_SIGNAL_MS = 500;

export function onStopSignals(handlers: StopHandlers): void {
  let stoppingSinceMs: number | undefined;
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      if (stoppingSinceMs === undefined) {
        stoppingSinceMs = performance.now();
        handlers.stop(signal).catch((error: unknown) => {
          console.error(error);
          process.exit(1);
        });
      } else if (performance.now() - stoppingSinceMs > SAME_SIGNAL_MS) {
        handlers.leaveAtOnce();
      }
    });
  }
}
