import { isJsonObject, type JsonObject, type JsonValue } from '../../config/yaml/json-value';
import { DomainError } from '../../errors/domain-error';
import type { AssetFiles } from '../assets';
import type { Fact, Recognised } from './recognised';

const MODULES = 'modules.json';
/** What stands before the pooling's own keys in its file, by what they are called here. */
const POOLINGS: readonly (readonly [key: string, pooling: string])[] = [
  ['pooling_mode_cls_token', 'cls'],
  ['pooling_mode_mean_tokens', 'mean'],
  ['pooling_mode_max_tokens', 'max'],
  ['pooling_mode_lasttoken', 'last'],
];

/**
 * What a folder of sentence-transformers says of its vectors: a model, then a pooling, then perhaps a normalisation.
 * https://sbert.net/docs/sentence_transformer/usage/custom_models.html
 * @returns undefined where the folder is none of theirs
 */
export async function sentenceVectors(assets: AssetFiles): Promise<Recognised | undefined> {
  if ((await assets.find(MODULES)) === undefined) return undefined;
  const modules = modulesIn(await assets.text(MODULES));
  const kinds = modules.map(({ type }) => (typeof type === 'string' ? type.split('.').at(-1) : undefined));
  const [first, second, third, ...others] = kinds;
  const isKnown =
    first === 'Transformer' &&
    second === 'Pooling' &&
    (third ?? 'Normalize') === 'Normalize' &&
    others.length === 0;
  if (!isKnown) {
    return { facts: [], reason: `${MODULES} has the modules ${kinds.join(', ')}, which is not understood` };
  }
  const folder = modules[1]?.path;
  const file = `${typeof folder === 'string' ? folder : ''}/config.json`;
  const pooling = poolingOf((await assets.json(file)) ?? {});
  if (pooling === undefined) return { facts: [], reason: `${file} has a pooling that is not understood` };
  const say = (key: string, value: JsonValue, from: string): Fact => ({
    side: 'output',
    name: 'embedding',
    key,
    value,
    from,
  });
  const facts = [
    say('type', 'embedding', MODULES),
    say('pooling', pooling, file),
    say('normalize', third === 'Normalize', MODULES),
  ];
  return { facts, reason: '' };
}

/** The one way of pooling that is switched on. */
function poolingOf(config: JsonObject): string | undefined {
  const on = Object.keys(config).filter((key) => key.startsWith('pooling_mode_') && config[key] === true);
  return on.length === 1 ? POOLINGS.find(([key]) => key === on[0])?.[1] : undefined;
}

function modulesIn(text: string): readonly JsonObject[] {
  let value: JsonValue = null;
  try {
    value = JSON.parse(text) as JsonValue;
  } catch {
    // Said below.
  }
  const list: readonly JsonValue[] = Array.isArray(value) ? value : [];
  const modules = list.filter(isJsonObject);
  if (modules.length > 0 && modules.length === list.length) return modules;
  throw new DomainError(
    'model_unavailable',
    `${MODULES} is no list of modules; with "pipeline: off" it is not read`,
  );
}
