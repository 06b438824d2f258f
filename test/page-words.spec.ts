interface Tensor {
  name: string;
  datatype: string;
  shape: number[];
  dimensions?: (string | null)[];
  labels?: string[];
}

interface Model {
  inputs: Tensor[];
  outputs: Tensor[];
  pipeline?: object;
}

interface Words {
  ms: (x: number | null) => string;
  rate: (x: number | null) => string;
  bytes: (x: number | null) => string;
  lasting: (seconds: number) => string;
  percent: (share: number) => string;
  shape: (tensor: Tensor) => string;
  described: (model: Model) => Model & { declared: object | null };
  labelsOf: (model: Model, output: string) => string[] | undefined;
  formKinds: (model: Model) => string[];
  columns: (model: Model) => { name: string; input: { datatype: string }; at: number; mayMiss?: boolean }[];
  parseTable: (text: string) => string[][];
  cosine: (a: number[], b: number[]) => number;
  snippets: (call: object) => Record<'curl' | 'TypeScript' | 'Python', string>;
  pretty: (value: unknown) => string;
}

const words = jest.requireActual<Words>('../site/ui/words.js');

const tensor = (name: string, datatype: string, ...shape: number[]): Tensor => ({ name, datatype, shape });
const model = (inputs: Tensor[], pipeline?: object, outputs: Tensor[] = []): Model =>
  words.described({ inputs, outputs, ...(pipeline && { pipeline }) });

describe('the words of the page', () => {
  it('give numbers as many digits as one reads', () => {
    expect([0.001, 0.52, 9.96, 1234, null].map(words.ms)).toEqual([
      '0.00 ms',
      '0.5 ms',
      '10 ms',
      '1.2 s',
      '–',
    ]);
    expect([0, 0.05, 12.34, 12_345, null].map(words.rate)).toEqual([
      '0',
      '< 0.1',
      '12.3',
      '12\u2009345',
      '–',
    ]);
    expect([999, 60_480, 5_400_000, 2e9].map(words.bytes)).toEqual(['999 B', '60 kB', '5.4 MB', '2.0 GB']);
    expect([59, 61, 3700, 90_000].map(words.lasting)).toEqual(['59 s', '1 min', '1 h 1 min', '1 d 1 h']);
    // What is nearly sure is not called sure.
    expect([1, 0.9999691, 0.5, 0.00001, 0].map(words.percent)).toEqual([
      '100.00 %',
      '> 99.99 %',
      '50.0 %',
      '< 0.01 %',
      '0.00 %',
    ]);
    expect(words.shape({ ...tensor('x', 'FP32', -1, -1, 8), dimensions: ['batch', null, null] })).toBe(
      'batch × ? × 8',
    );
  });

  it('open the form that fits what a model takes', () => {
    const text = { input: { text: { type: 'text' } }, output: {} };
    const image = { input: { picture: { type: 'image' } }, output: {} };
    const two = { input: { a: { type: 'text' }, b: { type: 'image' } }, output: {} };
    const kinds = [
      model([tensor('image', 'FP32', -1, 8, 8)]),
      model([tensor('image', 'FP32', -1, 1, 28, 28)], image),
      model([tensor('x', 'FP32', -1, 3, 224, 224)], image),
      model([tensor('input_ids', 'INT64', -1, -1)], text),
      model([tensor('x', 'FP32', -1, 4)]),
      model([tensor('a', 'BYTES', -1, 1), tensor('b', 'FP32', -1, 1)]),
      model([tensor('x', 'FP32', -1, 4)], two),
      model([tensor('x', 'FP32', -1, 500)]),
    ].map(words.formKinds);
    expect(kinds).toEqual([
      ['pad', 'json'],
      ['pad', 'picture', 'json'],
      ['picture', 'json'],
      ['text', 'json'],
      ['table', 'json'],
      ['table', 'json'],
      ['json'],
      ['json'],
    ]);
  });

  it('know the columns of a table by its declaration, with the types that the model has for them', () => {
    const columns = (value: unknown, inputs: Tensor[]): unknown[] =>
      words
        .columns(
          model(inputs, {
            input: { row: { type: 'table', columns: { value, from: 'model.yaml' } } },
            output: {},
          }),
        )
        .map(({ name, input, mayMiss }) => [name, input.datatype, mayMiss]);
    expect(columns(['a', 'b'], [tensor('x', 'FP32', -1, 2)])).toEqual([
      ['a', 'FP32', false],
      ['b', 'FP32', false],
    ]);
    const own = [tensor('sex', 'BYTES', -1, 1), tensor('n', 'INT64', -1, 1)];
    expect(columns({ sex: { values: ['m', 'f'] }, age: { to: 'n', missing: 0 } }, own)).toEqual([
      ['sex', 'BYTES', false],
      ['age', 'INT64', true],
    ]);
    expect(words.columns(model([tensor('x', 'FP32', -1, 2)])).map(({ name }) => name)).toEqual([
      'x 1',
      'x 2',
    ]);
  });

  it('call the places of an output by the model’s names, or by those of what is declared over it', () => {
    const over = {
      input: {},
      output: { kind: { type: 'classification', labels: { value: ['cat', 1], from: 'y' } } },
    };
    const out = tensor('y', 'FP32', -1, 2);
    expect(words.labelsOf(model([], over, [out]), 'y')).toEqual(['cat', '1']);
    expect(words.labelsOf(model([], over, [{ ...out, labels: ['a', 'b'] }]), 'y')).toEqual(['a', 'b']);
    expect(words.labelsOf(model([], undefined, [out]), 'y')).toBeUndefined();
  });

  it('read what spreadsheets copy', () => {
    expect(words.parseTable('a\tb\r\n1\t"x\ty"\n\n')).toEqual([
      ['a', 'b'],
      ['1', 'x\ty'],
    ]);
    expect(words.parseTable('a;b\n1,5;"say ""hi"""')).toEqual([
      ['a', 'b'],
      ['1,5', 'say "hi"'],
    ]);
  });

  it('write calls without the key, and large bodies as a file', () => {
    const url = 'http://localhost:8000/api/inference/m';
    const small = words.snippets({
      url,
      body: '{"a":[true,null,"it\'s"]}',
      type: 'application/json',
      key: true,
    });
    expect(small.curl).toContain(`-d '{"a":[true,null,"it'\\''s"]}'`);
    expect(small.Python).toContain('json={"a":[True,None,"it\'s"]}');
    for (const text of Object.values(small)) expect(text).toContain('NESTOR_KEY');
    const large = words.snippets({ url, body: `{"a":"${'x'.repeat(2000)}"}`, type: 'application/json' });
    for (const text of Object.values(large)) expect(text).toContain('request.json');
    const file = words.snippets({ url, file: 'cat.jpg', type: 'image/jpeg' });
    expect(file.curl).toContain('--data-binary @cat.jpg');
    expect(words.pretty({ a: [[1, 2], [3]] })).toBe('{\n  "a": [\n    [1, 2],\n    [3]\n  ]\n}');
    expect(words.cosine([1, 0], [1, 0])).toBe(1);
  });
});
