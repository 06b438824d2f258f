import type { OpenAPIObject } from '@nestjs/swagger';
import type { LoadedModel } from '../../models/loading/loaded-model';
import { declaredExample } from '../native/declared-example';
import { exampleRequest } from '../native/example-request';
import { exampleRequestV2 } from '../open-inference/example-request';
import type { PathItemObject } from './openapi-types';

type Paths = OpenAPIObject['paths'];
type Operation = NonNullable<PathItemObject['post']>;

const METHODS = ['get', 'post'] as const;

/**
 * The calls of any model, with one that is loaded as their example, so that they succeed as they stand there.
 * @param loaded in the order in which they are preferred
 */
export function withExamples(paths: Paths, loaded: readonly LoadedModel[], apiPrefix: string): Paths {
  const model = loaded.find(
    (one) => exampleRequest(one) !== undefined && exampleRequestV2(one) !== undefined,
  );
  if (model === undefined) return paths;
  const embedder = loaded.find(isEmbedder);
  const bodies: Readonly<Record<string, unknown>> = {
    [`${apiPrefix}/inference/{model}`]: exampleRequest(model),
    '/v2/models/{model}/infer': exampleRequestV2(model),
    '/v2/models/{model}/versions/{version}/infer': exampleRequestV2(model),
    '/v2/repository/models/{model}/load': {},
    '/v2/repository/models/{model}/unload': {},
    '/v1/embeddings': embedder && { model: embedder.name, input: ['A cat.', 'A dog.'] },
  };
  const examplePath = `${apiPrefix}/inference/{model}/example`;
  const withFile = loaded.find((one) => 'file' in (declaredExample(one) ?? {}));
  return Object.fromEntries(
    Object.entries(paths).flatMap(([path, item]) => {
      const meant = path === examplePath ? withFile : model;
      return meant === undefined ? [] : [[path, itemWith(item, meant, bodies[path])]];
    }),
  );
}

function isEmbedder({ processing }: LoadedModel): boolean {
  const [input, ...others] = processing?.pipeline.inputs ?? [];
  const makesVectors = processing?.pipeline.outputs.some(({ type }) => type === 'embedding') === true;
  return input?.plan.type === 'text' && !input.plan.pairs && others.length === 0 && makesVectors;
}

function itemWith(item: PathItemObject, model: LoadedModel, body: unknown): PathItemObject {
  const changed: PathItemObject = { ...item };
  for (const method of METHODS) {
    const operation = item[method];
    if (operation !== undefined) changed[method] = operationWith(operation, model, body);
  }
  return changed;
}

function operationWith(operation: Operation, { name, version }: LoadedModel, body: unknown): Operation {
  const examples: Readonly<Record<string, string>> = { model: name, version };
  const parameters = operation.parameters?.map((parameter) =>
    'in' in parameter && parameter.in === 'path' && examples[parameter.name] !== undefined
      ? { ...parameter, example: examples[parameter.name] }
      : parameter,
  );
  const { requestBody } = operation;
  if (body === undefined || requestBody === undefined || !('content' in requestBody))
    return { ...operation, parameters };
  const content = Object.fromEntries(
    Object.entries(requestBody.content).map(([type, media]) =>
      type === 'application/json' ? [type, { ...media, example: body }] : [type, media],
    ),
  );
  return { ...operation, parameters, requestBody: { ...requestBody, content } };
}
