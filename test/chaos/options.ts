/** What `npm run test:chaos` was told, by way of the environment. */
export interface ChaosOptions {
  readonly seed: number;
  /** Requests a second. */
  readonly rate: number;
  /** How long to go on; 0: every disturbance once. */
  readonly seconds: number;
  /** Where the figures go, for programs. */
  readonly json: string | undefined;
  /** Where all that the server said goes. */
  readonly log: string | undefined;
}

export function optionsOf(environment: NodeJS.ProcessEnv): ChaosOptions {
  const numberOf = (name: string, otherwise: number): number => {
    const value = Number(environment[name] || otherwise);
    if (!Number.isSafeInteger(value) || value < 0) throw new Error(`${name} has to be a whole number.`);
    return value;
  };
  return {
    seed: numberOf('CHAOS_SEED', Date.now() % 1_000_000),
    rate: numberOf('CHAOS_RATE', 100),
    seconds: numberOf('CHAOS_SECONDS', 0),
    json: environment.CHAOS_JSON || undefined,
    log: environment.CHAOS_LOG || undefined,
  };
}
