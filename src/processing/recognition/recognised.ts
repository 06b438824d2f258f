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

/** What a model's file says of itself. */
export interface FileFacts {
  /** Key and value of its `metadata_props`. */
  readonly metadata: ReadonlyMap<string, string>;
  /** The name of what exported it. */
  readonly producer: string;
  /** Its inputs, where each of them is one column, and whether it knows what to do with NaN there. */
  readonly columns: readonly { readonly name: string; readonly isImputed: boolean }[];
}

export const NOTHING_SAID: FileFacts = Object.freeze({ metadata: new Map(), producer: '', columns: [] });

/** What the files beside a model say of its inputs and outputs. */
export interface Recognised {
  readonly facts: readonly Fact[];
  /** Why something that is there was not recognised; empty when there is nothing to say. */
  readonly reason: string;
}

export const NOTHING_RECOGNISED: Recognised = Object.freeze({ facts: Object.freeze([]), reason: '' });
