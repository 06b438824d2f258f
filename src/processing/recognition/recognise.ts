import type { AssetFiles } from '../assets';
import type { DeclarationConfig } from '../declaration';
import { architectureOf, classifierOutputs, maskOutputs } from './model-config-file';
import { imageRecipe } from './preprocessor-config';
import { type FileFacts, NOTHING_RECOGNISED, type Recognised } from './recognised';
import { sklearnFacts } from './scikit-learn';
import { sentenceVectors } from './sentence-transformers';
import { textFacts } from './text-files';
import { sequenceOutputs, tokenOutputs } from './text-models';
import { ultralyticsFacts } from './ultralytics';

/**
 * What lies beside a model, or in its file, as exporters leave it: a Hugging Face folder, an export of ultralytics, a
 * pipeline of scikit-learn. Never a guess: what is not understood in full is not used, and the reason says so.
 * @param assets undefined where the folder is not the model's own
 * @param given what `model.yaml` declares itself
 * @throws model_unavailable when a file is there and cannot be read
 */
export async function recognise(
  assets: AssetFiles | undefined,
  file: FileFacts,
  given: Pick<DeclarationConfig, 'input' | 'output'>,
): Promise<Recognised> {
  const ofFile = ultralyticsFacts(file) ?? sklearnFacts(file, given);
  if (ofFile !== undefined || assets === undefined) return ofFile ?? NOTHING_RECOGNISED;
  const config = await assets.json('config.json');
  const architecture = config && architectureOf(config);
  if (config === undefined || architecture === undefined) return NOTHING_RECOGNISED;
  const isMask = architecture.endsWith('ForSemanticSegmentation');
  if (isMask || architecture.endsWith('ForImageClassification')) {
    const preprocessor = await assets.json('preprocessor_config.json');
    if (preprocessor === undefined) {
      return {
        facts: [],
        reason: `config.json names ${architecture}, and there is no preprocessor_config.json`,
      };
    }
    return joined(imageRecipe(preprocessor), isMask ? maskOutputs(config) : classifierOutputs(config));
  }
  const vectors = await sentenceVectors(assets);
  if (vectors !== undefined) return joined(vectors, await textFacts(assets, config));
  if (architecture.endsWith('ForSequenceClassification')) {
    return joined(await textFacts(assets, config), sequenceOutputs(config));
  }
  if (architecture.endsWith('ForTokenClassification')) {
    return joined(await textFacts(assets, config), tokenOutputs(config));
  }
  return { facts: [], reason: `config.json names ${architecture}, for which there is no output type` };
}

/** Both, or neither where one is not understood. */
function joined(...parts: readonly Recognised[]): Recognised {
  const odd = parts.find(({ reason }) => reason !== '');
  return odd ?? { facts: parts.flatMap(({ facts }) => facts), reason: '' };
}
