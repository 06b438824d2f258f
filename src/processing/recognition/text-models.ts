import { isJsonObject, type JsonObject, type JsonValue } from '../../config/yaml/json-value';
import { classifierOutputs, labelCount } from './model-config-file';
import type { Fact, Recognised } from './recognised';

const FILE = 'config.json';

/** What a Hugging Face configuration says of the outputs of a model that sorts whole texts: into classes, or by numbers. */
export function sequenceOutputs(config: JsonObject): Recognised {
  const trained = config.sentence_transformers;
  // One that was trained to hold pairs against each other says so.
  const isRegression = config.problem_type === 'regression' && trained === undefined;
  if (labelCount(config) !== 1 || isRegression) return classifierOutputs(config);
  const activation = trained !== undefined && isJsonObject(trained) ? trained.activation_fn : undefined;
  const isBare = typeof activation === 'string' && activation.endsWith('.Identity');
  const facts: Fact[] = [
    { side: 'input', name: 'text', key: 'pairs', value: true, from: FILE },
    outputFact('score', 'type', 'rerank'),
    outputFact('score', 'activation', isBare ? 'none' : 'sigmoid'),
  ];
  return { facts, reason: '' };
}

/** ... and of one that names parts of texts. */
export function tokenOutputs(config: JsonObject): Recognised {
  const labels = config.id2label;
  if (labels === undefined || !isJsonObject(labels)) {
    return { facts: [], reason: `${FILE} names no classes of tokens (id2label)` };
  }
  return {
    facts: [outputFact('entities', 'type', 'tokens'), outputFact('entities', 'labels', labels)],
    reason: '',
  };
}

function outputFact(name: string, key: string, value: JsonValue): Fact {
  return { side: 'output', name, key, value, from: FILE };
}
