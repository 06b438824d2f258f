import { isJsonObject, type JsonObject, type JsonValue } from '../../config/yaml/json-value';
import { classifierOutputs } from './model-config-file';
import type { Fact, Recognised } from './recognised';

const FILE = 'config.json';

/** What a Hugging Face configuration says of the outputs of a model that sorts whole texts: into classes, or by one score. */
export function sequenceOutputs(config: JsonObject, architecture: string): Recognised {
  if (labelCount(config) !== 1) return classifierOutputs(config, architecture);
  const trained = config.sentence_transformers;
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

/** Two where nothing is said, as transformers has it. */
function labelCount({ id2label, num_labels: count }: JsonObject): number {
  if (id2label !== undefined && isJsonObject(id2label)) return Object.keys(id2label).length;
  return typeof count === 'number' ? count : 2;
}
