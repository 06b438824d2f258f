import { charsetOf, parameterOf } from '../../common/media-type';
import { choice, type KeyTable, type Reader, readKeys, text } from '../../config/yaml/readers';
import { isJsonObject, type JsonObject, type JsonValue } from '../../config/yaml/json-value';
import { DomainError } from '../../errors/domain-error';
import type { Datatype } from '../../tensors/datatype';
import { printShape } from '../../tensors/shape';
import type { TensorSpec } from '../../tensors/tensor';
import { declaredType, type Signature, type TellFault } from '../declared-type';
import { isTableOfRows } from '../table/prepare-table';
import {
  type CellValue,
  COLUMN_TYPES,
  type ColumnPlan,
  type ColumnType,
  type TablePlan,
  type TableTensorPlan,
} from '../table/table-plan';
import type { RawInputType } from './input-type';

const MAX_COLUMNS = 10_000;
const MAX_VALUES = 10_000;

/** A column as it is declared; what is not said comes from the model. */
interface ColumnSettings {
  readonly name: string;
  readonly type: ColumnType | undefined;
  readonly to: string | undefined;
  readonly missing: CellValue | undefined;
  readonly values: readonly CellValue[] | undefined;
}

interface Settings {
  readonly to: string | undefined;
  readonly columns: readonly ColumnSettings[] | undefined;
}

const cellValue: Reader<CellValue> = (value, fault) =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? value
    : fault('must be a text, a number, true or false');

const cellValues: Reader<readonly CellValue[]> = (value, fault) => {
  const list: readonly JsonValue[] = Array.isArray(value) ? value : [];
  const isSound =
    list.length > 0 && list.length <= MAX_VALUES && list.every((one) => !isJsonObject(one) && one !== null);
  return isSound ? (list as readonly CellValue[]) : fault(`must be a list of 1 to ${MAX_VALUES} values`);
};

const COLUMN_KEYS: KeyTable<Omit<ColumnSettings, 'name'>> = {
  type: { key: 'type', read: choice(COLUMN_TYPES), fallback: undefined },
  to: { key: 'to', read: text(256), fallback: undefined },
  missing: { key: 'missing', read: cellValue, fallback: undefined },
  values: { key: 'values', read: cellValues, fallback: undefined },
};

/** Names in a list, or a mapping of names to what is to be said of them; the order is the model's. */
const columns: Reader<readonly ColumnSettings[]> = (value, fault) => {
  const entries: readonly (readonly [string, JsonValue])[] = Array.isArray(value)
    ? (value as readonly JsonValue[]).map((name) => [typeof name === 'string' ? name : '', {}])
    : isJsonObject(value)
      ? Object.entries(value)
      : [];
  if (entries.length === 0 || entries.length > MAX_COLUMNS) {
    return fault(`must be a list of 1 to ${MAX_COLUMNS} names, or a mapping of names to keys`);
  }
  const names = new Set(entries.map(([name]) => name));
  if (names.size < entries.length || names.has(''))
    return fault('must have different names, none of them empty');
  if (isJsonObject(value) && entries.length > 1 && entries.every(([name]) => /^\d+$/.test(name))) {
    return fault('must be a list where names are numbers, as a mapping does not keep their order');
  }
  const faults: string[] = [];
  const read = entries.map(([name, keys]) => columnOf(name, keys, faults));
  for (const one of faults) fault(one);
  return read;
};

function columnOf(name: string, given: JsonValue, faults: string[]): ColumnSettings {
  // `age: number` is short for `age: { type: number }`.
  const keys: JsonObject | undefined =
    typeof given === 'string'
      ? { type: given }
      : isJsonObject(given)
        ? given
        : given === null
          ? {}
          : undefined;
  const before = faults.length;
  const settings = readKeys(keys ?? {}, COLUMN_KEYS, faults);
  if (keys === undefined) faults.push('must be a mapping of keys to values');
  for (let i = before; i < faults.length; i++) faults[i] = `${name.slice(0, 64)}: ${faults[i]}`;
  return { name, ...settings };
}

const KEYS: KeyTable<Settings> = {
  to: { key: 'to', read: text(256), fallback: undefined },
  columns: { key: 'columns', read: columns, fallback: undefined },
};

/** The keys under which others send tables, where the model has this one input: MLflow's. */
const BODY_KEYS = ['dataframe_split', 'dataframe_records', 'instances', 'inputs'] as const;

/** Rows of named columns. */
export const TABLE: RawInputType<TablePlan> = {
  ...declaredType({
    type: 'table',
    options: [],
    keys: KEYS,
    assets: () => [],
    bind: (name, settings, signature, _assets, fault) =>
      Promise.resolve(planOf(name, settings, signature, fault)),
  }),
  contentTypes: ['text/csv'],
  bodyKeys: BODY_KEYS,
  fromJson: (name, value) => {
    if (typeof value !== 'object' || value === null) {
      throw new DomainError(
        'invalid_table',
        `Input "${name}": expected an object of columns to values, or a list of them.`,
      );
    }
    return { name, media: 'json', pieces: [JSON.stringify(value)], isList: isTableOfRows(value) };
  },
  fromBytes: (name, bytes, contentType) => {
    const charset = charsetOf(contentType);
    return {
      name,
      media: hasHeader(name, contentType) ? 'csv' : 'bare-csv',
      pieces: [bytes],
      charset,
      isList: true,
    };
  },
};

/** Has CSV a line of names, as it has where nothing is said? https://www.rfc-editor.org/rfc/rfc4180#section-3 */
function hasHeader(name: string, contentType = ''): boolean {
  const header = parameterOf(contentType, 'header')?.toLowerCase();
  if (header === undefined || header === 'present') return true;
  if (header === 'absent') return false;
  throw new DomainError(
    'invalid_table',
    `Input "${name}": the header of its Content-Type is present or absent, and not ${JSON.stringify(header.slice(0, 40))}.`,
  );
}

/** Each column's place in the model's inputs: the one it names, the table's, the model's only one, or that of its name. */
function planOf(
  name: string,
  settings: Settings,
  { inputs }: Signature,
  fault: TellFault,
): TablePlan | undefined {
  const declared = settings.columns ?? columnsOfModel(settings, inputs);
  if (declared === undefined) {
    fault("columns: must name the columns, as the model's inputs do not");
    return undefined;
  }
  const only = inputs.length === 1 ? inputs[0]?.name : undefined;
  let isSound = true;
  const tell = (one: string): void => {
    isSound = false;
    fault(one);
  };
  const byTensor = new Map<TensorSpec, ColumnPlan[]>();
  for (const column of declared) {
    const wanted = column.to ?? settings.to ?? only ?? column.name;
    const tensor = inputs.find((input) => input.name === wanted);
    if (tensor === undefined) {
      const names = inputs.map((input) => input.name).join(', ');
      tell(`columns: ${column.name}: the model has no input ${wanted}; its inputs are ${names}`);
      continue;
    }
    const plan = columnPlan(column, tensor.datatype, (one) => tell(`columns: ${column.name}: ${one}`));
    byTensor.set(tensor, [...(byTensor.get(tensor) ?? []), plan]);
  }
  const tensors = [...byTensor].map(([tensor, its]) => tensorPlan(tensor, its, tell));
  return isSound ? { type: 'table', name, covers: tensors.map(({ to }) => to), tensors } : undefined;
}

/** Where each input is one column, its name is the column's. */
function columnsOfModel(
  { to }: Settings,
  inputs: readonly TensorSpec[],
): readonly ColumnSettings[] | undefined {
  const isNamed = to === undefined && inputs.length > 1 && inputs.every(isOneColumn);
  if (!isNamed) return undefined;
  return inputs.map(({ name }) => ({
    name,
    type: undefined,
    to: name,
    missing: undefined,
    values: undefined,
  }));
}

/** Is this input, of shape `[rows]` or `[rows, 1]`, one column? */
function isOneColumn({ shape }: TensorSpec): boolean {
  return shape.length === 1 || (shape.length === 2 && shape[1] === 1);
}

function tensorPlan(
  { name: to, datatype, shape }: TensorSpec,
  columns: readonly ColumnPlan[],
  fault: TellFault,
): TableTensorPlan {
  const width = shape.length === 1 ? 1 : shape[1];
  if (shape.length === 0 || shape.length > 2) {
    fault(`to: needs an input of shape [rows, columns], and ${to} is ${printShape(shape)}`);
  } else if (width !== -1 && width !== columns.length) {
    fault(`columns: are ${columns.length} for ${to}, which takes ${width}`);
  }
  return { to, datatype, isMatrix: shape.length === 2, columns };
}

function columnPlan(
  { name, type, missing, values }: ColumnSettings,
  datatype: Datatype,
  fault: TellFault,
): ColumnPlan {
  const own = columnType(datatype);
  const meant = type ?? own;
  const isText = meant === 'text';
  if (isText !== (own === 'text')) fault(`type: is ${meant}, and the model takes ${datatype}`);
  if (meant === 'number' && own === 'integer') fault(`type: is number, and the model takes ${datatype}`);
  for (const value of values ?? []) {
    if (typeof value !== (isText ? 'string' : meant === 'boolean' ? 'boolean' : 'number')) {
      fault('values: must be of the type of the column');
      break;
    }
  }
  return {
    name,
    type: meant,
    missing: missing === undefined ? undefined : standIn(missing, meant, own, fault),
    values,
  };
}

/** What stands for a missing cell. */
function standIn(
  missing: CellValue,
  type: ColumnType,
  own: ColumnType,
  fault: TellFault,
): CellValue | undefined {
  if (typeof missing === 'string' && /^\.?nan$/i.test(missing) && type !== 'text') {
    if (own === 'number') return NaN;
    fault('missing: nan goes with floating point alone, and the model takes whole numbers');
    return undefined;
  }
  const wanted = type === 'text' ? 'string' : type === 'boolean' ? 'boolean' : 'number';
  const isSound = typeof missing === wanted && (type !== 'integer' || Number.isInteger(missing));
  if (isSound) return missing;
  fault(`missing: must be ${type === 'number' ? 'a number, or nan' : `a value of type ${type}`}`);
  return undefined;
}

/** What a column is that the model takes in this datatype. */
export function columnType(datatype: Datatype): ColumnType {
  if (datatype === 'BYTES') return 'text';
  if (datatype === 'BOOL') return 'boolean';
  return datatype === 'FP32' || datatype === 'FP64' || datatype === 'FP16' ? 'number' : 'integer';
}
