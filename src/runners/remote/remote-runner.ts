import { PassingSet } from '../../common/passing';
import { EventLogger } from '../../telemetry/logging/event-logger';
import { DomainError, reasonOf, toDomainError } from '../../errors/domain-error';
import { FAMILIES } from '../../telemetry/metrics/metric-families';
import { systemClock } from '../../common/clock';
import type { ModelRunner, Readiness, RequestInputs, RunContext } from '../runner';
import type { Tensor, TensorSpec } from '../../tensors/tensor';
import type { RemoteAnswer } from './answer-body';
import type { Connections } from './connections';
import { joinBatch } from './join-batch';
import type { RemoteCaller } from './remote-caller';
import type { RemoteCodec } from './remote-codec';
import type { RemoteEndpoint } from './remote-endpoint';
import type { Redactor } from './redactor';
import { RemoteFault } from './remote-fault';
import type { RemoteHeaders } from './remote-headers';
import type { RemoteHttp } from './remote-http';
import { statusFault } from './status-fault';
import type { Signature } from './v2/v2-metadata';
import type { EncodedRequest } from './v2/v2-request';

/** What a remote model is made of. */
export interface RemoteParts {
  readonly signature: Signature;
  /** Names what is asked, and how. */
  readonly digest: string;
  /** Calls that may be under way at once. */
  readonly concurrency: number;
  /** May a call that was perhaps carried out be made again? */
  readonly idempotent: boolean;
  readonly codec: RemoteCodec;
  readonly endpoints: readonly RemoteEndpoint[];
  readonly caller: RemoteCaller;
  readonly http: RemoteHttp;
  readonly connections: Connections;
  /** Every call carries them. */
  readonly headers: RemoteHeaders;
  /** Goes over all that comes back. */
  readonly redactor: Redactor;
  /** Gives back what the parts share. */
  readonly onClose: () => void;
}

const LONGEST_TIMEOUT_MS = 24 * 3600 * 1000;
const MAX_IDS_LENGTH = 1024;

/** Of a run that no request waits for, as at load. */
function noRequests(): RunContext {
  return { signal: new AbortController().signal, deadlineMs: Infinity, requestIds: [] };
}

/** A model whose runs happen on another server. */
export class RemoteRunner implements ModelRunner {
  private readonly logger = new EventLogger('Remote');
  private readonly running = new PassingSet<Promise<unknown>>();

  constructor(private readonly parts: RemoteParts) {}

  get inputs(): readonly TensorSpec[] {
    return this.parts.signature.inputs;
  }

  get outputs(): readonly TensorSpec[] {
    return this.parts.signature.outputs;
  }

  get digest(): string {
    return this.parts.digest;
  }

  get concurrency(): number {
    return this.parts.concurrency;
  }

  /** @throws RemoteFault; DomainError for inputs that the protocol cannot carry */
  async run(batch: readonly RequestInputs[], context: RunContext = noRequests()): Promise<Tensor[]> {
    const { caller, codec } = this.parts;
    const request = codec.encode(joinBatch(batch), context.requestIds[0]);
    const call = caller.call(
      (endpoint, timeoutMs) => this.attempt(endpoint, request, timeoutMs, context),
      context,
    );
    this.running.add(call);
    try {
      return await call;
    } finally {
      this.running.delete(call);
    }
  }

  mayRunApart(error: unknown): boolean {
    return !(error instanceof RemoteFault) || error.mayRunApart(this.parts.idempotent);
  }

  /** At least one remote answers, as far as is known. */
  readiness(): Readiness {
    const { endpoints } = this.parts;
    // All are looked at, so that what is known of each is renewed.
    const ready = endpoints.filter((endpoint) => endpoint.ready);
    if (ready.length > 0) return { ready: true };
    return { ready: false, reason: endpoints.find(({ fault }) => fault !== undefined)?.fault };
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.running);
    for (const endpoint of this.parts.endpoints) endpoint.close();
    this.parts.connections.close();
    this.parts.onClose();
  }

  private async attempt(
    endpoint: RemoteEndpoint,
    { headers, body }: EncodedRequest,
    timeoutMs: number,
    context: RunContext,
  ): Promise<Tensor[]> {
    const { http, connections, codec } = this.parts;
    const { trace } = context;
    const call = trace?.begin(endpoint.url, systemClock.now());
    try {
      endpoint.recorder.add(FAMILIES.remoteSent.at, body.length);
      const answer = await http.send(
        {
          method: 'POST',
          url: endpoint.url,
          headers: {
            ...this.parts.headers.values,
            ...headers,
            ...aboutRequests(context),
            ...trace?.headers(call),
          },
          body,
          timeoutMs,
          signal: context.signal,
        },
        connections,
      );
      endpoint.recorder.add(FAMILIES.remoteReceived.at, answer.body.length);
      const fault = statusFault(answer, this.parts.redactor);
      if (fault !== undefined) throw fault;
      const outputs = decode(codec, answer, this.parts.redactor);
      call?.end(systemClock.now());
      return outputs;
    } catch (error) {
      call?.end(systemClock.now(), error instanceof RemoteFault ? error.kind : toDomainError(error).code);
      if (error instanceof RemoteFault) this.log(error, endpoint, context);
      throw error;
    }
  }

  private log(fault: RemoteFault, endpoint: RemoteEndpoint, { requestIds }: RunContext): void {
    const line = {
      msg: 'remote call failed',
      ...endpoint.labels,
      requestId: requestIds[0],
      kind: fault.kind,
      reason: fault.message,
      ...(fault.excerpt && { said: fault.excerpt }),
    };
    if (fault.againstRemote) this.logger.warn(line);
    else this.logger.debug(line);
  }
}

function decode(codec: RemoteCodec, answer: RemoteAnswer, redactor: Redactor): Tensor[] {
  try {
    return redactor.tensors(codec.decode(answer));
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    // What reads JSON takes it for a client's.
    const reason = reasonOf(error)
      .replace(/^Input "/, 'output "')
      .replace(/\.$/, '');
    throw new RemoteFault(
      'malformed',
      `The answer of the model's remote is not what it should be: ${redactor.text(reason)}.`,
    );
  }
}

/** What the remote gets to know of the requests: their ids, and how long they wait. */
function aboutRequests({ requestIds, deadlineMs }: RunContext): Record<string, string> {
  const headers: Record<string, string> = {};
  const [first] = requestIds;
  if (first !== undefined) headers['x-request-id'] = first;
  if (requestIds.length > 1) headers['x-request-ids'] = requestIds.join(',').slice(0, MAX_IDS_LENGTH);
  const leftMs = Math.floor(deadlineMs - systemClock.now());
  if (deadlineMs < Infinity) {
    headers['x-request-timeout-ms'] = String(Math.min(Math.max(leftMs, 1), LONGEST_TIMEOUT_MS));
  }
  return headers;
}
