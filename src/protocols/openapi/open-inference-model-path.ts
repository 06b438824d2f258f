import type { LoadedModel } from '../../models/loading/loaded-model';
import { EXAMPLE_ELEMENTS } from '../native/model-description';
import { encodeV2 } from '../open-inference/response';
import { INFER_ERRORS, V2_MEANINGS } from '../open-inference/v2-errors';
import { elementCount } from '../../tensors/shape';
import type { TensorSpec } from '../../tensors/tensor';
import { CACHE_CONTROL, CACHE_HEADERS } from './cache-signals';
import type { PathItemObject, ResponsesObject, SchemaObject } from './openapi-types';
import { flatSchema, tensorCaption } from './tensor-schema';

const PARAMETERS: SchemaObject = { type: 'object', additionalProperties: true };
const BYTES: SchemaObject = { type: 'string', format: 'binary' };

/** The Open Inference Protocol's call of one loaded model, with its own schemas and an example that works. */
export function openInferenceModelPath(model: LoadedModel): PathItemObject {
  return {
    post: {
      tags: ['models'],
      summary: `Run ${model.name} by the Open Inference Protocol`,
      description: model.config.description,
      operationId: `infer_${model.name}`,
      parameters: [
        {
          name: 'Inference-Header-Content-Length',
          in: 'header',
          required: false,
          description: 'Length of the JSON in bytes, where binary tensors follow it.',
          schema: { type: 'integer', minimum: 0 },
        },
        CACHE_CONTROL,
      ],
      requestBody: {
        required: true,
        content: {
          'application/json': { schema: requestSchema(model), example: exampleRequestV2(model) },
          'application/octet-stream': { schema: BYTES },
        },
      },
      responses: {
        200: {
          description: 'The outputs; with the header Inference-Header-Content-Length where some are binary.',
          headers: CACHE_HEADERS,
          content: {
            'application/json': { schema: responseSchema(model) },
            'application/octet-stream': { schema: BYTES },
          },
        },
        ...errors(),
      },
    },
  };
}

function errors(): ResponsesObject {
  const schema = { $ref: '#/components/schemas/V2ErrorResponse' };
  const responses: ResponsesObject = {};
  for (const status of INFER_ERRORS) {
    responses[status] = { description: V2_MEANINGS[status], content: { 'application/json': { schema } } };
  }
  return responses;
}

function tensorSchema(spec: TensorSpec): SchemaObject {
  const rank = spec.shape.length;
  return {
    type: 'object',
    description: tensorCaption(spec),
    required: ['name', 'shape', 'datatype'],
    properties: {
      name: { type: 'string', enum: [spec.name] },
      shape: { type: 'array', items: { type: 'integer', minimum: 0 }, minItems: rank, maxItems: rank },
      datatype: { type: 'string', enum: [spec.datatype] },
      parameters: PARAMETERS,
      data: flatSchema(spec),
    },
  };
}

function requestSchema({ inputs, outputs }: LoadedModel): SchemaObject {
  return {
    type: 'object',
    required: ['inputs'],
    properties: {
      id: { type: 'string' },
      parameters: PARAMETERS,
      inputs: {
        type: 'array',
        minItems: inputs.length,
        maxItems: inputs.length,
        items: { anyOf: inputs.map(tensorSchema) },
      },
      outputs: {
        type: 'array',
        items: {
          type: 'object',
          required: ['name'],
          properties: {
            name: { type: 'string', enum: outputs.map(({ name }) => name) },
            parameters: PARAMETERS,
          },
        },
      },
    },
  };
}

function responseSchema({ outputs }: LoadedModel): SchemaObject {
  return {
    type: 'object',
    required: ['model_name', 'model_version', 'outputs'],
    properties: {
      model_name: { type: 'string' },
      model_version: { type: 'string' },
      id: { type: 'string' },
      outputs: { type: 'array', items: { anyOf: outputs.map(tensorSchema) } },
    },
  };
}

/**
 * A request body that a model was seen to accept; undefined where it would be too large to read, or where an
 * input has no JSON form.
 */
function exampleRequestV2({ name, version, sample, outputs }: LoadedModel): object | undefined {
  if (sample === undefined || sample.some(({ datatype }) => datatype === 'FP16')) return undefined;
  let elements = 0;
  for (const { shape } of sample) elements += elementCount(shape);
  if (elements > EXAMPLE_ELEMENTS) return undefined;
  // An input of a request looks like an output of a response.
  const { body } = encodeV2({ model: name, version, id: undefined, outputs: sample, binaryOutputs: [] });
  const { outputs: inputs } = JSON.parse(Buffer.concat(body).toString()) as { outputs: object[] };
  const binaryOnly = outputs.some(({ datatype }) => datatype === 'FP16');
  return { ...(binaryOnly && { parameters: { binary_data_output: true } }), inputs };
}
