import { createRequire } from 'node:module';
import type * as TypeScript from 'typescript';
import { modelTypes, type TypedModel } from './model-types';

const MODELS: TypedModel[] = [
  {
    name: 'iris',
    description: 'ends a comment: */ and goes on',
    inputs: [{ name: 'features', datatype: 'FP32', shape: [-1, 4] }],
    outputs: [
      { name: 'label', datatype: 'INT64', shape: [-1] },
      { name: 'is it', datatype: 'BOOL', shape: [] },
    ],
  },
  { name: 'not-loaded', inputs: null, outputs: null },
  {
    name: 'digits',
    inputs: [{ name: 'image', datatype: 'FP32', shape: [-1, 8, 8] }],
    outputs: [{ name: 'probabilities', datatype: 'FP32', shape: [-1, 10] }],
    pipeline: {
      input: { picture: { type: 'image' } },
      output: { digit: { type: 'classification' } },
    },
  },
  {
    name: 'rows',
    inputs: [{ name: 'features', datatype: 'FP32', shape: [-1, 2] }],
    outputs: [{ name: 'score', datatype: 'FP32', shape: [-1, 1] }],
    pipeline: {
      input: { row: { type: 'table', columns: { value: ['age', 'the fare'], from: 'model.yaml' } } },
      output: {},
    },
  },
];

/** The compiler's complaints about a program that uses the types. */
function complaints(use: string): string[] {
  const ts = createRequire(__filename)('typescript') as typeof TypeScript;
  const text = `${modelTypes(MODELS, 'http://localhost:8000/api')}\n${use}`;
  const options = { strict: true, noEmit: true, types: [], lib: ['lib.es5.d.ts'], skipLibCheck: true };
  const host = ts.createCompilerHost(options);
  const read = host.getSourceFile.bind(host);
  host.getSourceFile = (name, target) =>
    name === 'models.ts' ? ts.createSourceFile(name, text, target) : read(name, target);
  const program = ts.createProgram(['models.ts'], options, host);
  return ts
    .getPreEmitDiagnostics(program)
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
}

describe('the types of models', () => {
  it('take what the models take and give what they give', () => {
    const use = `
      const inputs: Models['iris']['inputs'] = { features: [[5.1, 3.5, 'NaN', 0.2]] };
      const label = (outputs: Models['iris']['outputs']): Int64 | undefined => outputs.label[0];
      const flag = (outputs: Models['iris']['outputs']): boolean => outputs['is it'];
      const picture: Models['digits']['declared']['inputs'] = { picture: { b64: '' } };
      const best = (outputs: Models['digits']['declared']['outputs']): string | undefined => outputs.digit[0]?.label;
      const row: Models['rows']['declared']['inputs'] = { row: { age: 3, 'the fare': null } };
      const score = (outputs: Models['rows']['declared']['outputs']): Float | undefined => outputs.score[0];
      const free: Models['not-loaded']['inputs'] = { anything: inputs, flag, label };`;
    expect(complaints(use)).toEqual([]);
  });

  it.each([
    ['an unknown input', `const i: Models['iris']['inputs'] = { feature: [[1]] };`, /feature/],
    [
      'an unknown column',
      `const i: Models['rows']['declared']['inputs'] = { row: { age: 1, fare: 2 } };`,
      /fare/,
    ],
    ['another rank', `const i: Models['iris']['inputs'] = { features: [1] };`, /not assignable/],
    ['an unknown model', `type M = Models['irsi'];`, /irsi/],
  ])('refuse %s', (_, use, complaint) => {
    expect(complaints(use).join('\n')).toMatch(complaint);
  });
});
