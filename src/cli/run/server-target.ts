import { setTimeout as sleep } from 'node:timers/promises';
import { DomainError, type ErrorCode, ERRORS } from '../../errors/domain-error';
import { isTensor } from '../../inference/local-values';
import type { ModelDetails } from '../../protocols/native/model-description';
import { JsonWriter } from '../../tensors/json/json-writer';
import type { Datatype } from '../../tensors/datatype';
import { UsageError } from '../command';
import type { Inputs, Target } from './target';

/** A refusal for the moment ends nothing: a file of a million rows waits for its turn. */
const MAX_RETRIES = 20;
const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 10_000;

/**
 * A model of a running server, called by its native API.
 * @param url with the server's API_PREFIX, such as `http://localhost:8000/api`
 * @throws DomainError where there is no server, or no such model; UsageError for no URL
 */
export async function openServer(url: string, name: string, key: string | undefined): Promise<Target> {
  if (!/^https?:/.test(url) || !URL.canParse(url))
    throw new UsageError(`--url must be one such as http://localhost:8000/api, and is ${url}.`);
  const address = `${url.replace(/\/+$/, '')}/inference/${encodeURIComponent(name)}`;
  const call = new Calls(address, key);
  const details = (await call.json({})) as unknown as ModelDetails;
  const { inputs = [], outputs = [], pipeline, batching } = details;
  return {
    model: { name, inputs, outputs, pipeline, batching },
    callsAtOnce: 4,
    infer: async (values) => {
      const { result } = await call.json({ method: 'POST', ...bodyOf(values, details) });
      return result as Inputs;
    },
    close: () => Promise.resolve(),
  };
}

class Calls {
  constructor(
    private readonly address: string,
    private readonly key: string | undefined,
  ) {}

  /** Asks again while the server is busy, when it says. @throws DomainError with the server's code */
  async json(request: RequestInit): Promise<Record<string, unknown>> {
    for (let attempt = 0; ; attempt++) {
      const answer = await this.fetch(request);
      const body = (await answer.json().catch(() => ({}))) as Record<string, unknown>;
      if (answer.ok) return body;
      const isBusy = answer.status === 429 || answer.status === 503;
      if (!isBusy || attempt === MAX_RETRIES) throw refusalOf(answer.status, body);
      const saidMs = Number(answer.headers.get('retry-after') ?? NaN) * 1000;
      const pauseMs = Number.isFinite(saidMs) ? saidMs : FIRST_PAUSE_MS * 2 ** attempt;
      await sleep(Math.min(Math.max(pauseMs, FIRST_PAUSE_MS), LONGEST_PAUSE_MS));
    }
  }

  private async fetch(request: RequestInit): Promise<Response> {
    const headers = new Headers(request.headers);
    if (this.key !== undefined) headers.set('authorization', `Bearer ${this.key}`);
    try {
      return await fetch(this.address, { ...request, headers });
    } catch (cause) {
      throw new DomainError(
        'model_unavailable',
        `${this.address} does not answer: is the server running there?`,
        {
          cause,
        },
      );
    }
  }
}

function refusalOf(status: number, { code, message }: Record<string, unknown>): DomainError {
  const isKnown = typeof code === 'string' && Object.hasOwn(ERRORS, code);
  const reason = typeof message === 'string' ? message : `the server answered ${status}`;
  return new DomainError(isKnown ? (code as ErrorCode) : 'model_unavailable', reason);
}

interface Body {
  readonly headers: Record<string, string>;
  readonly body: string | Uint8Array<ArrayBuffer>;
}

/** CSV goes as it is; anything else is JSON, pictures in base64. */
function bodyOf(values: Inputs, { inputs, pipeline }: Pick<ModelDetails, 'inputs' | 'pipeline'>): Body {
  const entries = Object.entries(values);
  const [[name = '', value] = []] = entries;
  if (value instanceof Uint8Array && pipeline?.input[name]?.type === 'table')
    return { headers: { 'content-type': 'text/csv' }, body: value as Uint8Array<ArrayBuffer> };
  const members = entries.map(([name, value]) => {
    const datatype = inputs?.find((input) => input.name === name)?.datatype as Datatype | undefined;
    return `${JSON.stringify(name)}:${jsonOf(value, datatype)}`;
  });
  return { headers: { 'content-type': 'application/json' }, body: `{${members.join(',')}}` };
}

function jsonOf(value: unknown, datatype: Datatype | undefined): string {
  if (isTensor(value) && datatype !== undefined) {
    const writer = new JsonWriter();
    writer.tensorNested(value.data, datatype, value.shape);
    return writer.finish().toString();
  }
  return JSON.stringify(value instanceof Uint8Array ? { b64: Buffer.from(value).toString('base64') } : value);
}
