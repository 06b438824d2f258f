import { decodeBinary, encodeBinary, JSON_LENGTH_HEADER } from './binary.js';
import { NestorError } from './nestor-error.js';
import { Tensor } from './tensor.js';

export interface NestorOptions {
  /** An API key or a token. */
  readonly key?: string;
  /** For one call with all its tries; default 60,000. */
  readonly timeoutMs?: number;
  /** How often a call that was refused for the moment (429, 503) or lost is made again; default 3. */
  readonly retries?: number;
  /** API_PREFIX of the server; default `/api`. */
  readonly prefix?: string;
  /** In place of the global one. */
  readonly fetch?: typeof fetch;
}

export interface CallOptions {
  readonly version?: string;
  /** Names of the outputs that are wanted; left out: all. */
  readonly outputs?: readonly string[];
  /** 1, most urgent, to 10. */
  readonly priority?: number;
  /** `false` leaves the prediction cache out. */
  readonly cache?: boolean;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** What `nestor types` prints; `declared` are pictures, texts and rows, one of each. */
export type ModelTypes = Record<
  string,
  { inputs: object; outputs: object; declared?: { inputs: object; outputs: object } }
>;

export interface Answer<Outputs> {
  readonly outputs: Outputs;
  readonly model: string;
  readonly version: string;
  readonly cached: boolean;
  /** Was a text longer than the model takes, and cut? */
  readonly truncated?: true;
}

/** What a call may ask for besides, of a model that declares pictures, texts or rows; docs/pipelines.md has their meaning. */
export interface DeclaredOptions {
  readonly top_k?: number;
  readonly score?: number;
  readonly iou?: number;
  readonly max?: number;
  readonly truncate?: boolean;
  readonly normalize?: boolean;
  readonly dimensions?: number;
  readonly prompt?: string;
}

type Part<Typed, Side extends string> = Typed extends Record<Side, infer Wanted> ? Wanted : never;
type PartOf<Models, Name, Side extends string> = Name extends keyof Models ? Part<Models[Name], Side> : never;
type OrBlobs<Typed> = { readonly [K in keyof Typed]: Typed[K] | Blob };
type Lists<Typed> = { [K in keyof Typed]: Typed[K][] };
type Inputs<Models, Name> = OrBlobs<PartOf<Models, Name, 'inputs'>>;
type Tensors<Typed> = { [K in keyof Typed]: Tensor };
type DeclaredInputs<Models, Name> = Part<PartOf<Models, Name, 'declared'>, 'inputs'>;
type DeclaredOutputs<Models, Name> = Part<PartOf<Models, Name, 'declared'>, 'outputs'>;

interface WholeAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

interface Refusal {
  readonly error: NestorError;
  /** Might the same call be answered a little later? */
  readonly mayHelp: boolean;
  readonly retryAfterMs?: number | undefined;
}

const DEFAULT_TIMEOUT_MS = 60_000;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5000;

/** A server. `new Nestor<Models>(url)` knows the models whose types `nestor types` has printed. */
export class Nestor<
  Models extends object = Record<
    string,
    { inputs: Record<string, unknown>; outputs: Record<string, unknown> }
  >,
> {
  private readonly url: string;
  private readonly fetch: typeof fetch;

  constructor(
    url: string,
    private readonly options: NestorOptions = {},
  ) {
    this.url = url.replace(/\/+$/, '');
    this.fetch = options.fetch ?? ((...call) => fetch(...call));
  }

  /**
   * Runs a model.
   * @param inputs the model's own: nested arrays, or a `Tensor` each, which travel in binary, and so do the outputs then;
   *   or what it declares: pictures (a `Blob`, or their bytes), texts, rows, a list of them for several, and options
   * @throws NestorError with the server's code; the signal's reason
   */
  infer<Name extends keyof Models & string>(
    model: Name,
    inputs: Inputs<Models, Name>,
    options?: CallOptions,
  ): Promise<Answer<PartOf<Models, Name, 'outputs'>>>;
  infer<Name extends keyof Models & string>(
    model: Name,
    inputs: Tensors<PartOf<Models, Name, 'inputs'>>,
    options?: CallOptions,
  ): Promise<Answer<Tensors<PartOf<Models, Name, 'outputs'>>>>;
  infer<Name extends keyof Models & string>(
    model: Name,
    inputs: OrBlobs<DeclaredInputs<Models, Name>> & DeclaredOptions,
    options?: CallOptions,
  ): Promise<Answer<DeclaredOutputs<Models, Name>>>;
  infer<Name extends keyof Models & string>(
    model: Name,
    inputs: Lists<OrBlobs<DeclaredInputs<Models, Name>>> & DeclaredOptions,
    options?: CallOptions,
  ): Promise<Answer<Lists<DeclaredOutputs<Models, Name>>>>;
  async infer(model: string, inputs: unknown, options: CallOptions = {}): Promise<Answer<never>> {
    const entries = Object.entries(inputs as Record<string, unknown>);
    const answer = entries.some(([, value]) => value instanceof Tensor)
      ? this.inferTensors(model, entries, options)
      : this.inferJson(model, entries, options);
    return (await answer) as Answer<never>;
  }

  /** The models of the server, as `GET {prefix}/inference/models` lists them. */
  async models(options?: CallOptions): Promise<readonly { name: string; state: string; version?: string }[]> {
    const answer = await this.call(`${this.prefix}/inference/models`, {}, options);
    return (jsonOf(answer) as { models: { name: string; state: string; version?: string }[] }).models;
  }

  /** Does the server take requests? */
  async ready(): Promise<boolean> {
    try {
      const signal = AbortSignal.timeout(this.options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
      return (await this.fetch(`${this.url}${this.prefix}/health/ready`, { signal })).ok;
    } catch {
      return false;
    }
  }

  private get prefix(): string {
    return this.options.prefix ?? '/api';
  }

  private async inferJson(
    model: string,
    entries: readonly (readonly [string, unknown])[],
    options: CallOptions,
  ): Promise<Answer<unknown>> {
    const query = new URLSearchParams();
    if (options.version !== undefined) query.set('version', options.version);
    if (options.cache === false) query.set('use_cache', 'false');
    const inputs = await Promise.all(
      entries.map(async ([name, value]) => [name, await toJson(value)] as const),
    );
    const body = JSON.stringify(Object.fromEntries(inputs), withExactNumbers);
    const path = `${this.prefix}/inference/${encodeURIComponent(model)}${query.size > 0 ? `?${query}` : ''}`;
    const answer = await this.call(
      path,
      { method: 'POST', headers: { 'content-type': 'application/json' }, body },
      options,
    );
    const { result, cached, version, truncated } = jsonOf(answer) as {
      result: Record<string, unknown>;
      cached: boolean;
      version: string;
      truncated?: true;
    };
    const wanted = options.outputs;
    const outputs =
      wanted === undefined ? result : Object.fromEntries(wanted.map((name) => [name, result[name]]));
    return { outputs, cached, model, version, ...(truncated && { truncated }) };
  }

  private async inferTensors(
    model: string,
    entries: readonly (readonly [string, unknown])[],
    options: CallOptions,
  ): Promise<Answer<unknown>> {
    const tensors = entries.map(([name, value]) => {
      if (value instanceof Tensor) return [name, value] as const;
      throw new TypeError(`Input "${name}" must be a Tensor, as another input is one.`);
    });
    const { body, jsonLength } = encodeBinary(tensors, options.outputs);
    const version = options.version === undefined ? '' : `/versions/${encodeURIComponent(options.version)}`;
    const headers: Record<string, string> = {
      'content-type': 'application/octet-stream',
      [JSON_LENGTH_HEADER]: String(jsonLength),
    };
    if (options.cache === false) headers['cache-control'] = 'no-cache';
    const path = `/v2/models/${encodeURIComponent(model)}${version}/infer`;
    const answer = await this.call(path, { method: 'POST', headers, body }, options);
    const jsonBytes = Number(answer.headers.get(JSON_LENGTH_HEADER) ?? answer.bytes.length);
    const { head, outputs } = decodeBinary(answer.bytes, jsonBytes);
    return {
      outputs,
      model: head.model_name,
      version: head.model_version,
      cached: answer.headers.get('x-cache') === 'HIT',
    };
  }

  /** One call with its tries. The server is told how much time is left, so that it does no work in vain. */
  private async call(path: string, request: RequestInit, options: CallOptions = {}): Promise<WholeAnswer> {
    const endsAtMs = Date.now() + (options.timeoutMs ?? this.options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
    const retries = this.options.retries ?? 3;
    for (let attempt = 0; ; attempt++) {
      const leftMs = endsAtMs - Date.now();
      if (leftMs < 1) throw new NestorError('The time for the call has passed.', 0, 'deadline_exceeded');
      const outcome = await this.attempt(path, request, options, leftMs);
      if ('bytes' in outcome) return outcome;
      const pauseMs =
        outcome.retryAfterMs ??
        Math.min(FIRST_PAUSE_MS * 2 ** attempt, LONGEST_PAUSE_MS) * (0.5 + Math.random() / 2);
      if (!outcome.mayHelp || attempt >= retries || Date.now() + pauseMs >= endsAtMs) throw outcome.error;
      await sleep(pauseMs, options.signal);
    }
  }

  private async attempt(
    path: string,
    request: RequestInit,
    { signal, priority }: CallOptions,
    leftMs: number,
  ): Promise<WholeAnswer | Refusal> {
    const { key } = this.options;
    const headers = new Headers(request.headers);
    headers.set('x-request-timeout-ms', String(Math.ceil(leftMs)));
    if (key !== undefined) headers.set('authorization', `Bearer ${key}`);
    if (priority !== undefined) headers.set('x-priority', String(priority));
    const timeout = AbortSignal.timeout(Math.ceil(leftMs));
    let answer: Response;
    let bytes: Uint8Array<ArrayBuffer>;
    try {
      answer = await this.fetch(`${this.url}${path}`, {
        ...request,
        headers,
        signal: either(timeout, signal),
      });
      bytes = new Uint8Array(await answer.arrayBuffer());
    } catch (cause) {
      signal?.throwIfAborted();
      const error = timeout.aborted
        ? new NestorError('The time for the call has passed.', 0, 'deadline_exceeded', undefined, { cause })
        : new NestorError(`${this.url} does not answer.`, 0, 'no_answer', undefined, { cause });
      return { error, mayHelp: !timeout.aborted };
    }
    const whole = { status: answer.status, headers: answer.headers, bytes };
    if (answer.ok) return whole;
    const mayHelp = answer.status === 429 || answer.status === 503;
    return { error: errorOf(whole), mayHelp, retryAfterMs: retryAfterMs(whole) };
  }
}

function either(timeout: AbortSignal, signal: AbortSignal | undefined): AbortSignal {
  return signal === undefined ? timeout : AbortSignal.any([timeout, signal]);
}

/** Both protocols' error bodies: `{code, message}` and `{error}`. */
function errorOf(answer: WholeAnswer): NestorError {
  const requestId = answer.headers.get('x-request-id') ?? undefined;
  const body = bodyOf(answer) as { code?: string; message?: string; error?: string };
  const message = body.message ?? body.error ?? `The server answered ${answer.status}.`;
  return new NestorError(message, answer.status, body.code ?? `http_${answer.status}`, requestId);
}

function bodyOf(answer: WholeAnswer): object {
  try {
    return jsonOf(answer) as object;
  } catch {
    return {};
  }
}

/** @throws NestorError `bad_answer` for anything but JSON, as a proxy's page may be */
function jsonOf({ bytes, status }: WholeAnswer): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    throw new NestorError('The answer is not JSON.', status, 'bad_answer', undefined, { cause });
  }
}

/** Seconds, or a date. https://www.rfc-editor.org/rfc/rfc9110#field.retry-after */
function retryAfterMs({ headers }: WholeAnswer): number | undefined {
  const given = headers.get('retry-after');
  if (given === null) return undefined;
  const ms = /^\d+$/.test(given) ? Number(given) * 1000 : Date.parse(given) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}

/** A picture becomes `{b64}`; lists are looked through, so that a list of pictures is a batch of them. */
async function toJson(value: unknown): Promise<unknown> {
  if (value instanceof Blob) return { b64: base64(new Uint8Array(await value.arrayBuffer())) };
  if (value instanceof Uint8Array) return { b64: base64(value) };
  const hasBytes = (item: unknown): boolean => item instanceof Blob || item instanceof Uint8Array;
  return Array.isArray(value) && value.some(hasBytes) ? Promise.all(value.map(toJson)) : value;
}

/** What JSON has no literal for goes as text, other typed arrays as lists. */
function withExactNumbers(_: string, value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  return ArrayBuffer.isView(value) ? Array.from(value as Float64Array) : value;
}

function base64(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 0x8000) {
    text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  }
  return btoa(text);
}

function sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason as Error);
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', leave);
      resolve();
    }, ms);
    const leave = (): void => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    signal?.addEventListener('abort', leave, { once: true });
  });
}
