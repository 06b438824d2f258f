import { reasonOf } from '../../errors/domain-error';
import type { Connections } from './connections';
import { RemoteFault } from './remote-fault';
import type { Redactor } from './redactor';
import type { RemoteHeaders } from './remote-headers';
import type { RemoteHttp } from './remote-http';
import { statusFault } from './status-fault';
import { parseExtensions, parseMetadata, type Signature } from './v2/v2-metadata';

const TIMEOUT_MS = 5000;

/** What a remote is asked besides the calls: on connections of their own, which no crowd of calls can hold up. */
export class RemoteQuestions {
  constructor(
    private readonly http: RemoteHttp,
    private readonly headers: RemoteHeaders,
    private readonly redactor: Redactor,
    private readonly connections: Connections,
  ) {}

  /** @throws RemoteFault when it says that it is not, with whatever status, or nothing */
  async isReady(url: URL, signal: AbortSignal): Promise<void> {
    const { status } = await this.send(url, signal);
    if (status >= 200 && status < 300) return;
    throw new RemoteFault(
      'unavailable',
      `The model's remote answered ${status} when asked whether it is ready.`,
    );
  }

  /**
   * Does anything answer there, a server and not only a gateway in front of one? For those that cannot be asked
   * whether they are ready: what a GET of a place for POST is answered with does not matter.
   * @throws RemoteFault when nothing does
   */
  async isThere(url: URL, signal: AbortSignal): Promise<void> {
    const fault = statusFault(await this.send(url, signal), this.redactor);
    if (fault !== undefined && fault.kind !== 'refused' && fault.kind !== 'missing' && fault.kind !== 'busy')
      throw fault;
  }

  /** @throws RemoteFault */
  signature(url: URL, signal: AbortSignal): Promise<Signature> {
    return this.read(url, signal, parseMetadata);
  }

  /** @throws RemoteFault */
  extensions(url: URL, signal: AbortSignal): Promise<readonly string[]> {
    return this.read(url, signal, parseExtensions);
  }

  private async read<T>(url: URL, signal: AbortSignal, parse: (body: Buffer) => T): Promise<T> {
    const answer = await this.send(url, signal);
    const fault = statusFault(answer, this.redactor);
    if (fault !== undefined) throw fault;
    try {
      return parse(answer.body);
    } catch (error) {
      throw new RemoteFault(
        'malformed',
        `The metadata of the model's remote cannot be used: ${this.redactor.text(reasonOf(error))}.`,
      );
    }
  }

  private send(url: URL, signal: AbortSignal) {
    return this.http.send(
      { method: 'GET', url, headers: this.headers.values, timeoutMs: TIMEOUT_MS, signal },
      this.connections,
    );
  }
}
