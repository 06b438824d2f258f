import { descriptionOf } from './native-model-path';
import type { LoadedModel } from '../../models/loading/loaded-model';
import { exampleAnswerV2, exampleCommand, exampleRequestV2 } from '../open-inference/example-request';
import { isTooLarge } from './large-models';
import { declarationOf } from '../open-inference/declared-inputs';
import { INFER_ERRORS, V2_MEANINGS } from '../open-inference/v2-errors';
import type { TensorSpec } from '../../tensors/tensor';
import { CACHE_CONTROL, CACHE_HEADERS } from './cache-signals';
import type { PathItemObject, ResponsesObject, SchemaObject } from './openapi-types';
import { flatSchema, tensorCaption } from './tensor-schema';

const PARAMETERS: SchemaObject = { type: 'object', additionalProperties: true };
const BYTES: SchemaObject = { type: 'string', format: 'binary' };

/** The Open Inference Protocol's call of one loaded model, with its own schemas and an example that works. */
export function openInferenceModelPath(model: LoadedModel, serverUrl: string): PathItemObject {
  const inJson = { 'application/json': { schema: requestSchema(model), example: exampleRequestV2(model) } };
  const inBinary = { 'application/octet-stream': { schema: BYTES } };
  return {
    post: {
      tags: ['models'],
      summary: `Run ${model.name} by the Open Inference Protocol`,
      description: [descriptionOf(model), commandOf(model, serverUrl)].filter(Boolean).join('\n\n'),
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
        // The first one is what the page offers.
        content: isTooLarge(model) ? { ...inBinary, ...inJson } : { ...inJson, ...inBinary },
      },
      responses: {
        200: {
          description: 'The outputs; with the header Inference-Header-Content-Length where some are binary.',
          headers: CACHE_HEADERS,
          content: {
            'application/json': { schema: responseSchema(model), example: exampleAnswerV2(model) },
            'application/octet-stream': { schema: BYTES },
          },
        },
        ...errors(),
      },
    },
  };
}

/** What is too large for a page is sent from a command line. */
function commandOf(model: LoadedModel, serverUrl: string): string | undefined {
  const command = isTooLarge(model) ? exampleCommand(model, serverUrl) : undefined;
  return command && `Zeros of the right size:\n\n\`\`\`sh\n${command}\n\`\`\``;
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

function requestSchema({ inputs, outputs, processing }: LoadedModel): SchemaObject {
  const declared = processing && declarationOf(processing);
  const bytes = declared?.inputs.map(({ spec }) => spec) ?? [];
  return {
    type: 'object',
    required: ['inputs'],
    properties: {
      id: { type: 'string' },
      parameters: PARAMETERS,
      inputs: {
        type: 'array',
        minItems: bytes.length > 0 ? Math.min(bytes.length, inputs.length) : inputs.length,
        maxItems: Math.max(bytes.length, inputs.length),
        items: { anyOf: [...bytes, ...inputs].map(tensorSchema) },
      },
      outputs: {
        type: 'array',
        items: {
          type: 'object',
          required: ['name'],
          properties: {
            name: {
              type: 'string',
              enum: [...new Set([...outputs, ...(declared?.outputs ?? [])].map(({ name }) => name))],
            },
            parameters: PARAMETERS,
          },
        },
      },
    },
  };
}

function responseSchema({ outputs, processing }: LoadedModel): SchemaObject {
  const all = [...outputs, ...(processing?.pipeline.outputTensors ?? [])];
  return {
    type: 'object',
    required: ['model_name', 'model_version', 'outputs'],
    properties: {
      model_name: { type: 'string' },
      model_version: { type: 'string' },
      id: { type: 'string' },
      outputs: { type: 'array', items: { anyOf: all.map(tensorSchema) } },
      parameters: PARAMETERS,
    },
  };
}
