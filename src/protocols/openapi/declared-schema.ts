import type { ModelProcessing } from '../../processing/model-processing';
import type { OutputPlan } from '../../processing/plans';
import type { ParameterObject, SchemaObject } from './openapi-types';

/** Names of more classes than these help nobody who reads them. */
const MOST_LABELS = 100;
const NUMBER: SchemaObject = { type: 'number' };
export const FILE: SchemaObject = { type: 'string', format: 'binary' };

/** A form with a file for each declared input: Swagger UI offers a file chooser. */
export function formSchema({ pipeline }: ModelProcessing): SchemaObject {
  const inputs = pipeline.inputs.map(({ plan }) => plan.name);
  return {
    type: 'object',
    required: inputs,
    properties: Object.fromEntries(inputs.map((name) => [name, FILE])),
  };
}

/** A JSON body that names declared inputs: `{"image": {"b64": "..."}}`. */
export function declaredRequestSchema({ pipeline }: ModelProcessing): SchemaObject {
  const inputs = pipeline.inputs.map(({ plan }) => plan.name);
  return {
    type: 'object',
    required: inputs,
    properties: Object.fromEntries(
      inputs.map((name) => [name, { description: 'A value, or a list of them.' }]),
    ),
  };
}

/** Options in the query, where every form of a request may have them. */
export function optionParameters({ pipeline }: ModelProcessing): ParameterObject[] {
  return pipeline.options.map((name) => ({
    name,
    in: 'query',
    required: false,
    description: 'An option of declared inputs.',
    schema: { type: 'string' },
  }));
}

/** The declared outputs of one input. */
export function declaredProperties({ pipeline }: ModelProcessing): Record<string, SchemaObject> {
  return Object.fromEntries(pipeline.outputs.map((plan) => [plan.name, outputSchema(plan)]));
}

function outputSchema(plan: OutputPlan): SchemaObject {
  switch (plan.type) {
    case 'classification':
      return listOf({ label: labelSchema(plan.labels), score: NUMBER });
    case 'detection':
      return listOf({
        label: labelSchema(plan.labels),
        score: NUMBER,
        box: {
          type: 'array',
          items: NUMBER,
          minItems: 4,
          maxItems: 4,
          description: 'x1, y1, x2, y2 in pixels.',
        },
      });
    case 'ctc':
      return { type: 'object', properties: { text: { type: 'string' }, score: NUMBER } };
    case 'embedding':
      return { type: 'array', items: NUMBER };
    case 'rerank':
      return NUMBER;
    case 'regression':
      return plan.labels === undefined
        ? NUMBER
        : { type: 'object', properties: Object.fromEntries(plan.labels.map((label) => [label, NUMBER])) };
    case 'mask': {
      const whole = { type: 'integer' } as const;
      const labels = listOf({ label: labelSchema(plan.labels), value: whole, share: NUMBER });
      const png: SchemaObject = {
        type: 'string',
        format: 'byte',
        description: 'A grey PNG, of which each pixel is the number of its class.',
      };
      return { type: 'object', properties: { png, width: whole, height: whole, labels } };
    }
    default:
      return {};
  }
}

function listOf(properties: Record<string, SchemaObject>): SchemaObject {
  return { type: 'array', items: { type: 'object', properties } };
}

function labelSchema(labels: readonly string[] | undefined): SchemaObject {
  return labels !== undefined && labels.length <= MOST_LABELS
    ? { type: 'string', enum: [...labels] }
    : { type: 'string' };
}
