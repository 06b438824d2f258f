import { isJsonObject, type JsonObject, type JsonValue } from '../../config/yaml/json-value';
import type { Fact, Recognised } from './recognised';

const FILE = 'config.json';

/**
 * What a Hugging Face model's configuration says of a classifier's outputs: its architecture decides, and `id2label`
 * names the classes. https://huggingface.co/docs/transformers/main_classes/configuration
 */
export function classifierOutputs(config: JsonObject, architecture: string): Recognised {
  const facts: Fact[] = [];
  const say = (key: string, value: JsonValue): void => {
    facts.push({ side: 'output', name: 'labels', key, value, from: FILE });
  };
  say('type', 'classification');
  const isMultiLabel = config.problem_type === 'multi_label_classification';
  say('activation', isMultiLabel ? 'sigmoid' : 'softmax');
  if (isJsonObject(config.id2label ?? null)) say('labels', config.id2label as JsonObject);
  if (config.problem_type === 'regression') {
    return {
      facts: [],
      reason: `${FILE} names ${architecture} for a regression, for which there is no output type`,
    };
  }
  return { facts, reason: '' };
}

/** The class of transformers that a model is of: the first, as there is one. */
export function architectureOf(config: JsonObject): string | undefined {
  const list: readonly JsonValue[] = Array.isArray(config.architectures) ? config.architectures : [];
  return typeof list[0] === 'string' ? list[0] : undefined;
}
