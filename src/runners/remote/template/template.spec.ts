import { DomainError } from '../../../errors/domain-error';
import type { Tensor, TensorSpec } from '../../../tensors/tensor';
import { parseAnswerPath } from './answer-path';
import type { JsonValue } from '../../../config/yaml/json-value';
import { decodeTemplate } from './template-answer';
import { compileTemplate, renderTemplate } from './template-request';

const SPECS: TensorSpec[] = [
  { name: 'text', datatype: 'BYTES', shape: [-1] },
  { name: 'x.1', datatype: 'FP32', shape: [-1, 2] },
];
const text = (...data: string[]): Tensor => ({ name: 'text', datatype: 'BYTES', shape: [data.length], data });
const x = (...data: number[]): Tensor => ({
  name: 'x.1',
  datatype: 'FP32',
  shape: [data.length / 2, 2],
  data: Float32Array.from(data),
});

function render(template: JsonValue, inputs: readonly Tensor[]): unknown {
  const faults: string[] = [];
  const compiled = compileTemplate(template, SPECS, faults);
  expect(faults).toEqual([]);
  return JSON.parse(renderTemplate(compiled, inputs).toString());
}

function faultsOf(template: JsonValue): string[] {
  const faults: string[] = [];
  compileTemplate(template, SPECS, faults);
  return faults;
}

describe('the template of a request', () => {
  it('has its inputs in any form and place, and everything else as it is written', () => {
    const template = {
      model: 'größe "L"',
      price: '$$5',
      options: { top_k: 3, ratio: 0.5, raw: true, none: null, list: [] },
      texts: '$text',
      numbers: { nested: '$x.1', flat: '$x.1.flat', shape: '$x.1.shape' },
    };
    expect(render(template, [text('a', 'ü"'), x(1, 2, 3, 4)])).toEqual({
      model: 'größe "L"',
      price: '$5',
      options: { top_k: 3, ratio: 0.5, raw: true, none: null, list: [] },
      texts: ['a', 'ü"'],
      numbers: { nested: [[1, 2], [3, 4]], flat: [1, 2, 3, 4], shape: [2, 2] }, // prettier-ignore
    });
  });

  it('writes an object for each row', () => {
    const template = { instances: { $rows: { t: '$text', v: '$x.1' } } };
    expect(render(template, [text('a', 'b'), x(1, 2, 3, 4)])).toEqual({
      instances: [
        { t: 'a', v: [1, 2] },
        { t: 'b', v: [3, 4] },
      ],
    });
    expect(render(template, [text(), x()])).toEqual({ instances: [] });
  });

  it('writes the only element of an input, and refuses others as the client’s mistake', () => {
    const template = { t: '$text.item', x: '$x.1' };
    expect(render(template, [text('a'), x(1, 2)])).toEqual({ t: 'a', x: [[1, 2]] });
    expect(() => render(template, [text('a', 'b'), x(1, 2)])).toThrow(DomainError);
    expect(() => render({ $rows: ['$text', '$x.1'] }, [text('a', 'b'), x(1, 2)])).toThrow(
      /1 rows instead of 2/,
    );
  });

  it.each<[string, JsonValue, RegExp]>([
    ['leaves an input out', { a: '$text' }, /no place for the input "x.1"/],
    ['names something that is no input', { a: '$text', b: '$x.1', c: '$other' }, /"\$other"/],
    ['has a form that there is not', { a: '$text.sum', b: '$x.1' }, /"\$text.sum"/],
    ['has rows in rows', { $rows: { $rows: ['$text', '$x.1'] } }, /\$rows within \$rows/],
  ])('that %s has a fault', (_, template, fault) => {
    expect(faultsOf(template).join()).toMatch(fault);
  });
});

describe('the mapping of an answer', () => {
  const read = (body: unknown, path: string, spec: Partial<TensorSpec> = {}): Tensor => {
    const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
    const whole = { name: 'y', datatype: 'FP32' as const, shape: [-1], ...spec };
    return decodeTemplate(bytes, [{ spec: whole, path: parseAnswerPath(path)! }])[0]!;
  };

  it.each<[string, unknown, string, number[], number[], number[]]>([
    ['a nested array', { y: [[1, 2]] }, 'y', [-1, 2], [1, 2], [1, 2]],
    ['a flat one, by the declared shape', { y: [1, 2, 3, 4] }, 'y', [-1, 2], [2, 2], [1, 2, 3, 4]],
    ['a single number', { y: 7 }, 'y', [-1], [1], [7]],
    ['a scalar', { y: 7 }, 'y', [], [], [7]],
    ['the whole answer', [1, 2], '$', [-1], [2], [1, 2]],
    ['one of several', { p: [{ y: 1 }, { y: 2 }] }, 'p[1].y', [-1], [1], [2]],
    [
      'one of each',
      {
        p: [
          { y: 1, z: [9] },
          { z: [9], y: 2 },
        ],
      },
      'p[*].y',
      [-1],
      [2],
      [1, 2],
    ],
    ['an array of each', { p: [{ y: [1, 2] }, { y: [3, 4] }] }, 'p[*].y', [-1, 2], [2, 2], [1, 2, 3, 4]],
    ['each of each', [[{ y: 1 }], [{ y: 2 }]], '[*][*].y', [-1, 1], [2, 1], [1, 2]],
    ['none', { p: [] }, 'p[*].y', [-1], [0], []],
  ])('reads %s', (_, body, path, declared, shape, data) => {
    expect(read(body, path, { shape: declared })).toEqual({
      name: 'y',
      datatype: 'FP32',
      shape,
      data: Float32Array.from(data),
    });
  });

  it('reads texts, and integers of any size', () => {
    expect(read({ y: ['a', 'b'] }, 'y', { datatype: 'BYTES' }).data).toEqual(['a', 'b']);
    expect(read('{"y": [9007199254740993]}', 'y', { datatype: 'INT64' }).data).toEqual(
      BigInt64Array.of(9007199254740993n),
    );
  });

  it('reads thousands of elements in no more memory than they take', () => {
    const each = Array.from({ length: 20_000 }, (_, y) => ({ y }));
    expect(read(each, '[*].y').data).toEqual(Float32Array.from(each, ({ y }) => y));
  });

  it.each<[string, unknown, string, RegExp]>([
    ['is not there', { z: 1 }, 'y', /no "y"/],
    ['is beyond the end', { y: [1] }, 'y[3]', /no "3"/],
    ['is of another kind', { y: 'a' }, 'y', /expected a number/],
    ['is null', { y: null }, 'y', /null/],
    ['is below no object', { y: 1 }, 'y.z', /Expected an object/],
    ['differs in shape', [{ y: [1] }, { y: [1, 2] }], '[*].y', /shapes \[1\] and \[2\]/],
    ['has another shape', { y: [[1, 2]] }, 'y', /\[1, 2\] instead of \[-1\]/],
    ['is in no JSON', '{"y": 1', 'y', /Invalid JSON/],
    ['is followed by more', '{"y": 1} x', 'y', /Invalid JSON/],
  ])('says when what it looks for %s', (_, body, path, message) => {
    expect(() => read(body, path)).toThrow(message);
  });
});
