import type { TraceParent } from './trace-context';

export interface SamplerSettings {
  /** Does a caller's decision count, where there is one? */
  readonly parentBased: boolean;
  /** From 0 to 1, of the requests that nobody has decided about. */
  readonly ratio: number;
  /** Whoever wants them: a caller's flag costs this server time. */
  readonly maxPerSecond: number;
}

/** Of the random end of a trace id, as many as a number holds. */
const RANDOM_DIGITS = 13;
const RANDOM_RANGE = 16 ** RANDOM_DIGITS;
const SECOND_MS = 1000;

/** Decides which requests are traced. It is asked once for each, before anything else is known of it. */
export class Sampler {
  private secondEndMs = -Infinity;
  private left = 0;

  /** @param random from 0 to 1, as `Math.random` */
  constructor(
    private readonly settings: SamplerSettings,
    private readonly nowMs: () => number = () => performance.now(),
    private readonly random: () => number = Math.random,
  ) {}

  samples(parent: TraceParent | undefined): boolean {
    return this.wants(parent) && this.hasRoom();
  }

  private wants(parent: TraceParent | undefined): boolean {
    const { parentBased, ratio } = this.settings;
    if (parent === undefined) return this.random() < ratio;
    return parentBased ? parent.sampled : randomPartOf(parent) < ratio;
  }

  private hasRoom(): boolean {
    const nowMs = this.nowMs();
    if (nowMs >= this.secondEndMs) {
      this.secondEndMs = nowMs + SECOND_MS;
      this.left = this.settings.maxPerSecond;
    }
    if (this.left === 0) return false;
    this.left--;
    return true;
  }
}

/** The same on every server that a trace passes, so that they all decide alike. */
function randomPartOf({ traceId }: TraceParent): number {
  return parseInt(traceId.slice(-RANDOM_DIGITS), 16) / RANDOM_RANGE;
}
