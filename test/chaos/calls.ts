/** The model that the disturbances change; its version `n` adds `n`. */
export const CHANGING = 'bias';
/** A model that nobody touches. */
export const CONSTANT = 'same';

/** One request, and what a right answer to it is. */
export interface Call {
  readonly path: string;
  readonly body: string;
  /** @returns what is wrong with the answer's body; undefined when it is right */
  fault(answer: unknown): string | undefined;
}

interface Native {
  result?: Record<string, number[][]>;
  version?: string;
}

interface V2 {
  outputs?: { name: string; data: number[] }[];
  model_version?: string;
}

type Random = (below: number) => number;

/**
 * A request drawn by lot: to either model by either protocol. There are few different ones, so that some
 * answers come from the cache.
 * @param oldest the oldest version that may still answer
 */
export function drawCall(random: Random, oldest: number): Call {
  const x = [random(10), random(10)];
  const kinds = [nativeConstant, nativeChanging, v2Changing];
  return (kinds[random(kinds.length)] ?? nativeConstant)(x, oldest);
}

function nativeConstant(x: number[]): Call {
  return {
    path: `/api/inference/${CONSTANT}`,
    body: JSON.stringify({ x: [x] }),
    fault: (answer) => different((answer as Native).result?.y?.[0], x),
  };
}

function nativeChanging(x: number[], oldest: number): Call {
  return {
    path: `/api/inference/${CHANGING}`,
    body: JSON.stringify({ x: [x], y: [[0, 0]] }),
    fault: (answer) => {
      const { result, version } = answer as Native;
      return wrongVersion(version, oldest) ?? different(result?.plus?.[0], plus(x, version));
    },
  };
}

function v2Changing(x: number[], oldest: number): Call {
  const tensor = (name: string, data: number[]): object => ({ name, shape: [1, 2], datatype: 'FP32', data });
  return {
    path: `/v2/models/${CHANGING}/infer`,
    body: JSON.stringify({ inputs: [tensor('x', x), tensor('y', [0, 0])] }),
    fault: (answer) => {
      const { outputs, model_version: version } = answer as V2;
      const got = outputs?.find(({ name }) => name === 'plus')?.data;
      return wrongVersion(version, oldest) ?? different(got, plus(x, version));
    },
  };
}

function plus(x: readonly number[], version: string | undefined): number[] {
  return x.map((value) => value + Number(version));
}

function wrongVersion(version: string | undefined, oldest: number): string | undefined {
  return Number(version) >= oldest
    ? undefined
    : `version ${version} answered after ${oldest} had taken its place`;
}

function different(got: readonly number[] | undefined, expected: readonly number[]): string | undefined {
  if (JSON.stringify(got) === JSON.stringify(expected)) return undefined;
  return `expected ${JSON.stringify(expected)}, got ${JSON.stringify(got)}`;
}
