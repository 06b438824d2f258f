import type { RunTimes } from '../../telemetry/metrics/model-recorder';

/** Asks for the times of a call in its answer: `x-server-timing: 1`. Others pay nothing for it. */
export const TIMING_HEADER = 'x-server-timing';

/** https://www.w3.org/TR/server-timing/: what the stages of one call took, which browsers show beside the request. */
export function serverTiming(decodeMs: number, run: RunTimes | undefined, encodeMs: number): string {
  // An answer of the cache neither waited nor ran.
  const stages: readonly (readonly [name: string, ms: number | undefined])[] = [
    ['queue', run?.queueMs],
    ['decode', decodeMs],
    ['run', run?.runMs],
    ['encode', encodeMs],
  ];
  return stages.flatMap(([name, ms]) => (ms === undefined ? [] : `${name};dur=${ms.toFixed(3)}`)).join(', ');
}
