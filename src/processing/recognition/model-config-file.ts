import { isJsonObject, type JsonObject, type JsonValue } from '../../config/yaml/json-value';
import type { Fact, Recognised } from './recognised';

const FILE = 'config.json';

/**
 * What a Hugging Face model's configuration says of a classifier's outputs, or a regressor's, which is one of them: `id2label`
 * names the classes. https://huggingface.co/docs/transformers/main_classes/configuration
 */
export function classifierOutputs(config: JsonObject): Recognised {
  const facts: Fact[] = [];
  const isRegression = config.problem_type === 'regression';
  const say = (key: string, value: JsonValue): void => {
    facts.push({ side: 'output', name: isRegression ? 'value' : 'labels', key, value, from: FILE });
  };
  const labels = config.id2label;
  if (isRegression) {
    say('type', 'regression');
    if (labels !== undefined && labelCount(config) > 1) say('labels', labels);
    return { facts, reason: '' };
  }
  say('type', 'classification');
  const isMultiLabel = config.problem_type === 'multi_label_classification';
  say('activation', isMultiLabel ? 'sigmoid' : 'softmax');
  if (isJsonObject(labels ?? null)) say('labels', labels!);
  return { facts, reason: '' };
}

/** ... and of one that tells the class of each pixel. */
export function maskOutputs({ id2label: labels }: JsonObject): Recognised {
  const fact = (key: string, value: JsonValue): Fact => ({
    side: 'output',
    name: 'mask',
    key,
    value,
    from: FILE,
  });
  const facts = [fact('type', 'mask')];
  if (isJsonObject(labels ?? null)) facts.push(fact('labels', labels!));
  return { facts, reason: '' };
}

/** Two where nothing is said, as transformers has it. */
export function labelCount({ id2label, num_labels: count }: JsonObject): number {
  if (id2label !== undefined && isJsonObject(id2label)) return Object.keys(id2label).length;
  return typeof count === 'number' ? count : 2;
}

/** The class of transformers that a model is of: the first, as there is one. */
export function architectureOf(config: JsonObject): string | undefined {
  const list: readonly JsonValue[] = Array.isArray(config.architectures) ? config.architectures : [];
  return typeof list[0] === 'string' ? list[0] : undefined;
}
