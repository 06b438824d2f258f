import type { RemoteQuestions } from './remote-questions';
import type { V2Place } from './v2/v2-place';

/** Where calls of a model go, and how that place is asked whether it would take them. */
export interface CallPlace {
  readonly call: URL;
  /** Rejects when it would not. */
  readonly probe: (questions: RemoteQuestions, signal: AbortSignal) => Promise<void>;
}

export function v2CallPlace({ infer, ready }: V2Place): CallPlace {
  return { call: infer, probe: (questions, signal) => questions.isReady(ready, signal) };
}

/** @param health a path on the same host; without one, whatever answers will do */
export function templateCallPlace(call: URL, health: string | undefined): CallPlace {
  if (health === undefined) return { call, probe: (questions, signal) => questions.isThere(call, signal) };
  const place = new URL(health, call.origin);
  return { call, probe: (questions, signal) => questions.isReady(place, signal) };
}
