/** Levels run from 1, the most urgent, to this one. */
export const PRIORITY_LEVELS = 10;
export const DEFAULT_PRIORITY_LEVEL = 5;

/**
 * The level of a request's `priority`, by Triton's convention: 1 is the most urgent, 0 asks for the default,
 * and so does anything out of range (`InferenceRequest::SetPriority` in triton-inference-server/core).
 */
export function priorityLevel(priority: number): number {
  return priority >= 1 && priority <= PRIORITY_LEVELS ? Math.floor(priority) : DEFAULT_PRIORITY_LEVEL;
}
