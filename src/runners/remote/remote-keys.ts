import { parseAnswerPath } from './template/answer-path';
import { type HeaderSource, REMOTE_PROTOCOLS, type RemoteModelConfig } from './remote-config';
import { headerFault } from './remote-headers';
import { compileTemplate } from './template/template-request';
import type { RunnerKeys } from '../runner-kind';
import { DATATYPES } from '../../tensors/datatype';
import type { TensorSpec } from '../../tensors/tensor';
import {
  bool,
  choice,
  integer,
  type KeyTable,
  listOf,
  mapping,
  type Reader,
  text,
} from '../../config/yaml/readers';
import { isJsonObject, type JsonValue } from '../../config/yaml/json-value';

const DAY_MS = 86_400_000;
const MAX_URLS = 32;
const MAX_HEADERS = 32;
const MAX_TENSORS = 256;
const MAX_RANK = 32;

/** The model that EXTERNAL_API_URL declares. */
export const EXTERNAL_MODEL = 'external';

const urls: Reader<readonly string[]> = (value, fault) => {
  const list: readonly JsonValue[] = Array.isArray(value) ? value : [value];
  const valid = list.filter(
    (url) => typeof url === 'string' && /^https?:\/\//.test(url) && URL.canParse(url),
  );
  return list.length > 0 && list.length <= MAX_URLS && valid.length === list.length
    ? (valid as string[])
    : fault(`must be a URL that starts with http:// or https://, or a list of 1 to ${MAX_URLS} of them`);
};

const headers: Reader<readonly HeaderSource[]> = (value, fault) => {
  const entries = isJsonObject(value) ? Object.entries(value) : [];
  if (!isJsonObject(value) || entries.length > MAX_HEADERS) {
    return fault(`must be a mapping of at most ${MAX_HEADERS} headers`);
  }
  return entries.flatMap(([name, from]) => {
    const header = headerOf(name, from);
    const reason =
      header === undefined ? 'must be a text or { env: VARIABLE, prefix: text }' : headerFault(header);
    if (reason !== undefined) fault(`${name.slice(0, 64)} ${reason}`);
    return header ?? [];
  });
};

function headerOf(name: string, from: JsonValue): HeaderSource | undefined {
  if (typeof from === 'string') return { name, text: from };
  if (!isJsonObject(from) || !Object.keys(from).every((key) => key === 'env' || key === 'prefix'))
    return undefined;
  const { env, prefix = '' } = from;
  if (typeof env !== 'string' || !/^\w{1,128}$/.test(env) || typeof prefix !== 'string') return undefined;
  return { name, variable: env, prefix };
}

const shape: Reader<readonly number[]> = (value, fault) =>
  Array.isArray(value) &&
  value.length <= MAX_RANK &&
  value.every((size) => typeof size === 'number' && Number.isInteger(size) && size >= -1)
    ? (value as readonly number[])
    : fault('must be a list of sizes, -1 for any');

const SPEC_KEYS: KeyTable<TensorSpec> = {
  name: { key: 'name', read: text(256), fallback: '' },
  datatype: { key: 'datatype', read: choice(DATATYPES), fallback: 'FP32' },
  shape: { key: 'shape', read: shape, fallback: [-1] },
};

const tensors: Reader<readonly TensorSpec[]> = (value, fault) => {
  const specs = listOf(mapping(SPEC_KEYS), MAX_TENSORS)(value, fault);
  const names = new Set(specs?.map(({ name }) => name));
  if (specs === undefined || specs.length === 0 || names.size < specs.length || names.has('')) {
    return fault('must be a list of tensors, each with a name of its own');
  }
  return specs;
};

const paths: Reader<Readonly<Record<string, string>>> = (value, fault) => {
  const entries = isJsonObject(value) ? Object.entries(value) : [['', null] as const];
  const odd = entries.find(([, path]) => typeof path !== 'string' || parseAnswerPath(path) === undefined);
  if (odd === undefined) return value as Readonly<Record<string, string>>;
  return fault('must be a mapping of outputs to their places in the answer, such as predictions[*].scores');
};

const path: Reader<string> = (value, fault) =>
  typeof value === 'string' && /^\/(?!\/)[\x21-\x7e]{0,1023}$/.test(value)
    ? value
    : fault('must be a path that starts with /');

const keys: KeyTable<RemoteModelConfig> = {
  urls: { key: 'urls', read: urls, fallback: Object.freeze([]) },
  protocol: { key: 'protocol', read: choice(REMOTE_PROTOCOLS), fallback: 'v2' },
  headers: { key: 'headers', read: headers, fallback: Object.freeze([]) },
  timeoutMs: { key: 'timeout_ms', read: integer(1, DAY_MS), fallback: undefined },
  connectTimeoutMs: { key: 'connect_timeout_ms', read: integer(1, DAY_MS), fallback: 2000 },
  retries: { key: 'retries', read: integer(0, 10), fallback: 2 },
  idempotent: { key: 'idempotent', read: bool, fallback: undefined },
  maxConnections: { key: 'max_connections', read: integer(1, 10_000), fallback: undefined },
  inputs: { key: 'inputs', read: tensors, fallback: undefined },
  outputs: { key: 'outputs', read: tensors, fallback: undefined },
  request: { key: 'request', read: (value) => value, fallback: undefined },
  response: { key: 'response', read: paths, fallback: undefined },
  health: { key: 'health', read: path, fallback: undefined },
};

function faultsOf(config: RemoteModelConfig, model: string): string[] {
  const faults: string[] = [];
  if (config.urls.length === 0 && model !== EXTERNAL_MODEL) {
    faults.push('urls: must be there, for a remote model');
  }
  if (config.protocol === 'template') faults.push(...templateFaults(config));
  else {
    for (const key of ['request', 'response', 'health'] as const) {
      if (config[key] !== undefined) faults.push(`${key}: goes with protocol: template`);
    }
  }
  return faults;
}

function templateFaults({ inputs, outputs, request, response }: RemoteModelConfig): string[] {
  if (!inputs || !outputs || request === undefined || response === undefined) {
    return ['protocol: a template needs inputs, outputs, request and response'];
  }
  const faults: string[] = [];
  compileTemplate(request, inputs, faults);
  const names = outputs.map(({ name }) => name);
  const known = Object.keys(response);
  return [
    ...faults.map((fault) => `request: ${fault}`),
    ...names.filter((name) => !known.includes(name)).map((name) => `response: has no place for ${name}`),
    ...known.filter((name) => !names.includes(name)).map((name) => `response: ${name} is no output`),
  ];
}

export const REMOTE: RunnerKeys<RemoteModelConfig> = {
  runtime: 'remote',
  keys,
  elsewhere: true,
  faults: faultsOf,
};
