/** Every element of an array. */
export const EACH = Symbol('each');

/** A key of an object, an index of an array, or every element of one. */
export type Step = string | number | typeof EACH;
export type AnswerPath = readonly Step[];

const STEP = /\[(\d{1,9}|\*)\]|\["([^"]+)"\]|(?:^|\.)([^.[\]"$]+)/y;
const MAX_STEPS = 16;

/**
 * Where in a JSON document something is: `predictions[*].scores`, `[0].label`, `["odd key"].x`; `$` is all of it.
 * @returns undefined for what is no such path
 */
export function parseAnswerPath(text: string): AnswerPath | undefined {
  const rest = text.replace(/^\$(?:\.(?=.)|(?=\[|$))/, '');
  const steps: Step[] = [];
  STEP.lastIndex = 0;
  while (STEP.lastIndex < rest.length) {
    const [, index, quoted, key] = STEP.exec(rest) ?? [];
    const step = index === '*' ? EACH : index === undefined ? (quoted ?? key) : Number(index);
    if (step === undefined || steps.length === MAX_STEPS) return undefined;
    steps.push(step);
  }
  return steps.length === 0 && text !== '$' ? undefined : steps;
}
