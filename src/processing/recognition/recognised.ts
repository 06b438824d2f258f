import type { JsonValue } from '../../config/yaml/json-value';

/** A key of the declaration that a file beside the model implies. */
export interface Fact {
  readonly side: 'input' | 'output';
  /** The declared name where `model.yaml` gives none. */
  readonly name: string;
  readonly key: string;
  readonly value: JsonValue;
  /** The file, or the place in it. */
  readonly from: string;
}

/** What the files beside a model say of its inputs and outputs. */
export interface Recognised {
  readonly facts: readonly Fact[];
  /** Why something that is there was not recognised; empty when there is nothing to say. */
  readonly reason: string;
}

export const NOTHING_RECOGNISED: Recognised = Object.freeze({ facts: Object.freeze([]), reason: '' });
