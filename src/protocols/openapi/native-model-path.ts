import type { PathItemObject, SchemaObject } from './openapi-types';
import { exampleRequest, exampleResult } from '../native/example-request';
import { isTooLarge, TOO_LARGE } from './large-models';
import { inWords } from '../../processing/in-words';
import type { LoadedModel } from '../../models/loading/loaded-model';
import type { TensorSpec } from '../../tensors/tensor';
import { CACHE_CONTROL, CACHE_HEADERS } from './cache-signals';
import {
  declaredProperties,
  declaredRequestSchema,
  FILE,
  formSchema,
  optionParameters,
} from './declared-schema';
import { errorResponses } from './error-responses';
import { nestedSchema, tensorCaption } from './tensor-schema';

/** The native inference call of one loaded model, with its own schemas and an example that works. */
export function nativeModelPath(model: LoadedModel): PathItemObject {
  return {
    post: {
      tags: ['models'],
      summary: `Run ${model.name}`,
      description: [descriptionOf(model), isTooLarge(model) ? TOO_LARGE : undefined]
        .filter(Boolean)
        .join('\n\n'),
      operationId: `run_${model.name}`,
      parameters: [
        {
          name: 'version',
          in: 'query',
          required: false,
          description: `A version; ${model.version} when left out.`,
          schema: { type: 'string' },
        },
        {
          name: 'use_cache',
          in: 'query',
          required: false,
          description: 'May a cached answer be given?',
          schema: { type: 'boolean', default: true },
        },
        ...(model.processing ? optionParameters(model.processing) : []),
        CACHE_CONTROL,
      ],
      requestBody: {
        required: true,
        content: {
          'application/json': isTooLarge(model)
            ? { schema: FILE }
            : { schema: requestSchema(model), example: exampleRequest(model) },
          ...formContent(model),
        },
      },
      responses: {
        200: {
          description: 'The outputs.',
          headers: CACHE_HEADERS,
          content: { 'application/json': { schema: responseSchema(model), example: exampleAnswer(model) } },
        },
        ...errorResponses,
      },
    },
  };
}

/** What the warm-up gave, in the form of an answer. */
function exampleAnswer(model: LoadedModel): object | undefined {
  const result = exampleResult(model);
  const { name, version } = model;
  return result && { result, cached: false, processing_time: 0.001, model: name, version };
}

/** Its own words, then what it takes and gives. */
export function descriptionOf({ config, inputs, outputs, processing }: LoadedModel): string {
  const { takes, gives } = inWords({ inputs, outputs, pipeline: processing?.pipeline });
  return [config.description, `Takes: ${takes}. Gives: ${gives}.`].filter(Boolean).join('\n\n');
}

/** Declared inputs are sent as files; their answer stands beside that to tensors. */
function formContent({ processing }: LoadedModel): Record<string, { schema: SchemaObject }> {
  return processing?.takesRaw ? { 'multipart/form-data': { schema: formSchema(processing) } } : {};
}

function tensorProperties(specs: readonly TensorSpec[]): Record<string, SchemaObject> {
  return Object.fromEntries(
    specs.map((spec) => [spec.name, { ...nestedSchema(spec), description: tensorCaption(spec) }]),
  );
}

function requestSchema(model: LoadedModel): SchemaObject {
  const { processing } = model;
  return processing?.takesRaw === true
    ? { anyOf: [declaredRequestSchema(processing), tensorsSchema(model)] }
    : tensorsSchema(model);
}

function tensorsSchema(model: LoadedModel): SchemaObject {
  return {
    type: 'object',
    required: model.inputs.map((spec) => spec.name),
    additionalProperties: false,
    properties: tensorProperties(model.inputs),
  };
}

function responseSchema(model: LoadedModel): SchemaObject {
  return {
    type: 'object',
    required: ['result', 'cached', 'processing_time', 'model', 'version'],
    properties: {
      result: {
        type: 'object',
        properties: {
          ...tensorProperties(model.outputs),
          ...(model.processing && declaredProperties(model.processing)),
        },
      },
      cached: { type: 'boolean' },
      processing_time: { type: 'number', description: 'Seconds.' },
      model: { type: 'string' },
      version: { type: 'string' },
    },
  };
}
