import { readKeys } from '../../config/yaml/readers';
import { readYamlMapping } from '../../config/yaml/yaml-mapping';
import { DomainError } from '../../errors/domain-error';
import type { Tensor, TensorSpec } from '../../tensors/tensor';
import { DECLARATION_KEYS, declarationOf } from '../declaration';
import type { InputType } from '../input-types';
import { bindPipeline } from '../pipeline';
import { NOTHING_RECOGNISED } from '../recognition/recognised';
import { assetsOf } from '../testing/assets';
import { prepareTable, type TableLimits } from './prepare-table';
import type { TablePlan } from './table-plan';

const LIMITS: TableLimits = { maxRows: 5, maxColumns: 20, maxCellLength: 100 };

/** What skl2onnx makes of a data frame: an input for each column. */
const TITANIC: readonly TensorSpec[] = [
  { name: 'age', datatype: 'FP32', shape: [-1, 1] },
  { name: 'sex', datatype: 'BYTES', shape: [-1, 1] },
  { name: 'pclass', datatype: 'INT64', shape: [-1, 1] },
];
const COLUMNS =
  'input: { row: { type: table, columns: { age: { missing: nan }, sex: { missing: "" }, pclass: {} } } }';
const MATRIX: readonly TensorSpec[] = [{ name: 'x', datatype: 'FP32', shape: [-1, 3] }];
const JOINED = 'input: { row: { type: table, columns: [a, b, c] } }';

interface Table {
  readonly type: InputType;
  readonly plan: TablePlan;
}

async function bind(yaml: string, inputs: readonly TensorSpec[]): Promise<Table> {
  const faults: string[] = [];
  const config = readKeys(readYamlMapping(yaml, faults), DECLARATION_KEYS, faults);
  expect(faults).toEqual([]);
  const signature = { inputs, outputs: [{ name: 'y', datatype: 'FP32' as const, shape: [-1] }] };
  const pipeline = await bindPipeline(declarationOf(config, NOTHING_RECOGNISED), signature, assetsOf());
  const [input] = pipeline!.inputs;
  return { type: input!.type, plan: input!.plan as TablePlan };
}

function prepare({ type, plan }: Table, value: unknown, contentType = 'text/csv'): Tensor[] {
  const raw =
    typeof value === 'string' || Buffer.isBuffer(value)
      ? type.fromBytes(plan.name, Buffer.from(value as string), contentType, plan)
      : type.fromJson(plan.name, value, plan);
  return prepareTable(plan, raw, LIMITS);
}

async function faultOf(work: () => unknown): Promise<string> {
  try {
    await work();
  } catch (error) {
    if (error instanceof DomainError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return 'none';
}

describe('a table', () => {
  const expected: readonly Tensor[] = [
    { name: 'age', datatype: 'FP32', shape: [2, 1], data: Float32Array.of(22, NaN) },
    { name: 'sex', datatype: 'BYTES', shape: [2, 1], data: ['male', ''] },
    { name: 'pclass', datatype: 'INT64', shape: [2, 1], data: BigInt64Array.of(3n, 1n) },
  ];

  it.each<readonly [string, unknown]>([
    [
      'records',
      [
        { age: 22, sex: 'male', pclass: 3 },
        { pclass: 1, age: null, sex: null },
      ],
    ],
    ['columns', { pclass: [3, 1], age: [22, 'NaN'], sex: ['male', null] }],
    [
      'split',
      {
        columns: ['sex', 'pclass', 'age'],
        index: [0, 1],
        data: [
          ['male', 3, 22],
          [null, 1, null],
        ],
      },
    ],
    ['CSV', 'pclass,sex,age\r\n3,male,22\r\n1,,\r\n'],
    ['CSV as pandas writes NaN', 'pclass,sex,age\n3.0,male,22.0\n1,,nan\n'],
  ])('comes as %s, its columns in any order', async (_form, value) => {
    expect(prepare(await bind(COLUMNS, TITANIC), value)).toEqual(expected);
  });

  it('comes as one record', async () => {
    const table = await bind(COLUMNS, TITANIC);
    expect(prepare(table, { age: 1.5, sex: 'x', pclass: 2 }).map(({ data }) => data)).toEqual([
      Float32Array.of(1.5),
      ['x'],
      BigInt64Array.of(2n),
    ]);
    expect(table.type.fromJson('row', { age: 1, sex: 'x', pclass: 2 }, table.plan).isList).toBe(false);
    expect(table.type.fromJson('row', { age: [1], sex: ['x'], pclass: [2] }, table.plan).isList).toBe(true);
  });

  it('is joined into one input where the model has one', async () => {
    const [x] = prepare(await bind(JOINED, MATRIX), 'c,a,b\n3,1,2\n6,4,5');
    expect(x).toEqual({
      name: 'x',
      datatype: 'FP32',
      shape: [2, 3],
      data: Float32Array.of(1, 2, 3, 4, 5, 6),
    });
  });

  it("has the names of the model's inputs where nothing is declared of columns", async () => {
    const { plan } = await bind('input: { row: { type: table } }', TITANIC);
    expect(plan.tensors.map(({ to, columns }) => [to, columns[0]?.name, columns[0]?.type])).toEqual([
      ['age', 'age', 'number'],
      ['sex', 'sex', 'text'],
      ['pclass', 'pclass', 'integer'],
    ]);
  });

  it('keeps whole numbers beyond 2^53 that come as texts, and in CSV', async () => {
    const table = await bind(COLUMNS, TITANIC);
    const big = BigInt64Array.of(9007199254740993n);
    expect(prepare(table, { age: 1, sex: 'x', pclass: '9007199254740993' })[2]?.data).toEqual(big);
    expect(prepare(table, 'age,sex,pclass\n1,x,9007199254740993')[2]?.data).toEqual(big);
  });

  it.each([
    ['text/csv; charset=windows-1252', 'latin1', 'sex,age,pclass\nJosé,1,2'],
    ['text/csv; header=present; charset="ISO-8859-1"', 'latin1', 'sex,age,pclass\nJosé,1,2'],
    ['text/csv;charset=UTF-16LE', 'utf16le', 'sex,age,pclass\nJosé,1,2'],
    ['text/csv; charset=utf-16', 'utf16le', '\ufeffsex,age,pclass\nJosé,1,2'],
    ['text/csv; charset=utf8', 'utf8', '\ufeffsex,age,pclass\nJosé,1,2'],
    ['text/csv; Header=Absent', 'utf8', '1,José,2'],
  ] as const)('comes in %s', async (contentType, encoding, text) => {
    const tensors = prepare(await bind(COLUMNS, TITANIC), Buffer.from(text, encoding), contentType);
    expect(tensors.map(({ data }) => data[0])).toEqual([1, 'José', 2n]);
  });

  it.each([
    ['text/csv; charset=utf-7', 'unsupported_media_type: Content-Type: there is no charset "utf-7" here'],
    [
      'text/csv; header=maybe',
      'invalid_table: Input "row": the header of its Content-Type is present or absent',
    ],
    ['text/csv; charset=shift_jis', 'invalid_table: Input "row": line 2 is not SHIFT_JIS.'],
    ['text/csv; charset=utf-16', 'invalid_table: Input "row": is not UTF-16LE.'],
  ])('is refused in %s by name', async (contentType, fault) => {
    const bytes = Buffer.from('age,sex,pclass\n1,\xff\xff,22\n', 'latin1');
    const table = await bind(COLUMNS, TITANIC);
    expect(await faultOf(() => prepare(table, bytes, contentType))).toContain(fault);
  });

  it.each<readonly [string, unknown, string]>([
    [
      'a text for a number',
      [
        { age: 1, sex: 'x', pclass: 1 },
        { age: 'x', sex: 'x', pclass: 1 },
      ],
      'invalid_table: Input "row", row 2, column "age": expected a number, got "x".',
    ],
    [
      'a number for a text',
      { age: 1, sex: 7, pclass: 1 },
      'invalid_table: Input "row", column "sex": expected a text, got 7.',
    ],
    [
      'a fraction for a whole number',
      { age: 1, sex: 'x', pclass: 1.5 },
      'invalid_table: Input "row", column "pclass": expected a whole number, got 1.5.',
    ],
    [
      'a number that JSON has rounded',
      { age: 1, sex: 'x', pclass: 2 ** 53 },
      'invalid_table: Input "row", column "pclass": is a whole number beyond 2^53, which JSON does not keep; send it as a text of digits.',
    ],
    [
      'a number beyond FP32',
      { age: 1e39, sex: 'x', pclass: 1 },
      'invalid_table: Input "row", column "age": is 1e+39, which FP32 does not hold.',
    ],
    [
      'a missing value where none may be',
      [{ age: 1, sex: 'x', pclass: null }],
      'invalid_table: Input "row", row 1, column "pclass": has no value.',
    ],
    [
      'a missing column',
      [{ age: 1, sex: 'x' }],
      'invalid_table: Input "row", row 1: has no column "pclass".',
    ],
    [
      'an extra column',
      { age: 1, sex: 'x', pclass: 1, fare: 2 },
      'invalid_table: Input "row": has a column "fare", which the model does not take; its columns are "age", "sex", "pclass".',
    ],
    [
      'an object for a cell',
      { age: {}, sex: 'x', pclass: 1 },
      'invalid_table: Input "row", column "age": expected a number, got an object.',
    ],
    [
      'a number for a table',
      7,
      'invalid_table: Input "row": expected an object of columns to values, or a list of them.',
    ],
    [
      'a list for a row',
      [[1, 2, 3]],
      'invalid_table: Input "row", row 1: expected an object of columns to values.',
    ],
    [
      'a NUL character, where the runtime would see the end of the text',
      [{ age: 1, sex: 'x\0', pclass: 1 }],
      'invalid_table: Input "row", row 1, column "sex": has a NUL character, which the runtime cannot carry.',
    ],
    ['no rows', [], 'invalid_table: Input "row": has no rows.'],
    [
      'columns of two lengths',
      { age: [1, 2], sex: ['x'], pclass: [1, 2] },
      'invalid_table: Input "row": column "sex" has 1 cells and "age" 2.',
    ],
    [
      'six rows',
      Array.from({ length: 6 }, () => ({ age: 1, sex: 'x', pclass: 1 })),
      'input_too_large: Input "row": has more than 5 rows (MAX_TABLE_ROWS).',
    ],
    [
      'a short row of split',
      { columns: ['age', 'sex', 'pclass'], data: [[1, 'x']] },
      'invalid_table: Input "row", row 1: has 2 cells for 3 columns.',
    ],
    ['a header alone', 'age,sex,pclass\n', 'invalid_table: Input "row": has no rows.'],
    ['nothing', '', 'invalid_table: Input "row": has no rows.'],
    ['a doubled column', 'age,age,sex,pclass\n', 'invalid_table: Input "row": has two columns "age".'],
    ['a header without a column', 'age,sex\n1,x\n', 'invalid_table: Input "row": has no column "pclass".'],
    [
      'a longer line',
      'age,sex,pclass\n1,x,1\n1,x,1,1\n',
      'invalid_table: Input "row", row 2: has 4 cells for 3 columns.',
    ],
    [
      'a word in CSV',
      'age,sex,pclass\n1,x,1\n1,x,two\n',
      'invalid_table: Input "row", row 2, column "pclass": expected a whole number, got "two".',
    ],
    [
      'a hexadecimal number',
      'age,sex,pclass\n0x10,x,1\n',
      'invalid_table: Input "row", row 1, column "age": expected a number, got "0x10".',
    ],
    [
      '21 digits',
      'age,sex,pclass\n1,x,99999999999999999999\n',
      'invalid_table: Input "row", row 1, column "pclass": is 99999999999999999999, which INT64 does not hold.',
    ],
  ])('is refused with %s', async (_what, value, fault) => {
    const table = await bind(COLUMNS, TITANIC);
    expect(await faultOf(() => prepare(table, value))).toBe(fault);
  });

  it('is refused with a value that a column does not have', async () => {
    const yaml =
      'input: { row: { type: table, columns: { age: {}, sex: { values: [male, female] }, pclass: {} } } }';
    const table = await bind(yaml, TITANIC);
    expect(await faultOf(() => prepare(table, { age: 1, sex: 'other', pclass: 1 }))).toBe(
      'invalid_table: Input "row", column "sex": expected one of "male", "female", got "other".',
    );
  });

  it('takes nothing from what every object inherits', async () => {
    const yaml = 'input: { row: { type: table, columns: [constructor, b, c] } }';
    const table = await bind(yaml, MATRIX);
    expect(await faultOf(() => prepare(table, { b: 1, c: 2 }))).toContain('has no column "constructor"');
  });

  it.each([
    ['columns: [a, b]', MATRIX, 'columns: are 2 for x, which takes 3'],
    ['to: z, columns: [a, b, c]', MATRIX, 'the model has no input z; its inputs are x'],
    ['columns: { a: text, b: {}, c: {} }', MATRIX, 'columns: a: type: is text, and the model takes FP32'],
    ['columns: { a: { missing: x }, b: {}, c: {} }', MATRIX, 'columns: a: missing: must be a number, or nan'],
    [
      'columns: { age: {}, sex: {}, pclass: { missing: nan } }',
      TITANIC,
      'missing: nan goes with floating point alone',
    ],
    ['columns: { age: {}, sex: {} }', TITANIC, "nothing is declared for the model's input pclass"],
    ['to: x', MATRIX, "columns: must name the columns, as the model's inputs do not"],
  ])('is held against the session: %s', async (keys, inputs, fault) => {
    expect(await faultOf(() => bind(`input: { row: { type: table, ${keys} } }`, inputs))).toContain(fault);
  });
});
