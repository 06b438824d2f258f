import { inputs, type KeyTable, listOf, mapping, number, type Reader } from '../../config/yaml/readers';
import type { JsonObject } from '../../config/yaml/json-value';

/** What a model must answer before a version of it serves, in the form of the native API. */
export interface GoldenCase {
  readonly inputs: JsonObject;
  /** Outputs that are not named may be anything. */
  readonly outputs: JsonObject;
  /** How far a number may be off, absolute and relative to the expected one. */
  readonly tolerance: number;
}

const MAX_CASES = 64;

const KEYS: KeyTable<GoldenCase> = {
  inputs: { key: 'inputs', read: inputs, fallback: {} },
  outputs: { key: 'outputs', read: inputs, fallback: {} },
  tolerance: { key: 'tolerance', read: number(0, 1e6, 'inclusive'), fallback: 1e-4 },
};

export const goldenCases: Reader<readonly GoldenCase[]> = listOf(mapping(KEYS), MAX_CASES);
