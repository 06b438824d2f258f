import { HttpService } from '@nestjs/axios';
import { Inject, Injectable } from '@nestjs/common';
import { isAxiosError, isCancel } from 'axios';
import type { IncomingMessage } from 'node:http';
import { type RemoteConfig, remoteConfig } from '../../config/config.slices';
import { reasonOf } from '../../errors/domain-error';
import { readAnswer, type RemoteAnswer } from './answer-body';
import { ConnectTimeout, type Connections } from './connections';
import { redirectTarget } from './redirect';
import { RemoteFault } from './remote-fault';

export interface RemoteCall {
  readonly method: 'GET' | 'POST';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Buffer;
  /** From connecting to the answer's last byte. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

const MAX_REDIRECTS = 3;
const NO_REDIRECT = 0;

/** One HTTP call to a remote, bounded in time and size. */
@Injectable()
export class RemoteHttp {
  private readonly maxAnswerBytes: number;

  constructor(
    private readonly http: HttpService,
    @Inject(remoteConfig.KEY) config: Pick<RemoteConfig, 'maxAnswerBytes'>,
  ) {
    this.maxAnswerBytes = config.maxAnswerBytes;
  }

  /**
   * The answer, whatever its status; that of a failure may be cut.
   * @throws RemoteFault unreachable, connect_timeout, timeout, broken, redirected, too_large, malformed, cancelled
   */
  async send(call: RemoteCall, connections: Connections): Promise<RemoteAnswer> {
    const attempt = new Attempt(call);
    try {
      let { url } = call;
      for (let redirects = 0; ; redirects++) {
        const stream = await this.open(url, call, connections, attempt.signal);
        const target = redirectTarget(url, call.method, stream);
        if (target === undefined || redirects === MAX_REDIRECTS) {
          attempt.answering = true;
          return await readAnswer(stream, this.maxAnswerBytes);
        }
        stream.destroy();
        url = target;
      }
    } catch (error) {
      throw attempt.faultOf(error, connections);
    } finally {
      attempt.end();
    }
  }

  private async open(
    url: URL,
    { method, headers, body }: RemoteCall,
    { httpAgent, httpsAgent }: Connections,
    signal: AbortSignal,
  ): Promise<IncomingMessage> {
    const answer = await this.http.axiosRef.request<IncomingMessage>({
      method,
      url: url.href,
      headers: { accept: 'application/json', 'accept-encoding': 'identity', ...headers },
      data: body,
      responseType: 'stream',
      decompress: false,
      maxRedirects: NO_REDIRECT,
      // Where requests go is this server's settings to say, not a proxy's variables.
      proxy: false,
      validateStatus: () => true,
      httpAgent,
      httpsAgent,
      signal,
    });
    return answer.data;
  }
}

/** The time that a call has, and why it ended early if it did. */
class Attempt {
  /** Has the head of the answer come? */
  answering = false;
  private readonly abort = new AbortController();
  private readonly timer: NodeJS.Timeout;
  private timedOut = false;

  constructor(private readonly call: RemoteCall) {
    this.timer = setTimeout(() => {
      this.timedOut = true;
      this.abort.abort();
    }, call.timeoutMs);
    if (call.signal.aborted) this.abort.abort();
    else call.signal.addEventListener('abort', this.cancel);
  }

  get signal(): AbortSignal {
    return this.abort.signal;
  }

  end(): void {
    clearTimeout(this.timer);
    this.call.signal.removeEventListener('abort', this.cancel);
  }

  faultOf(error: unknown, connections: Connections): RemoteFault {
    if (error instanceof RemoteFault) return error;
    const socket = isAxiosError(error) || isCancel(error) ? socketOf(error) : undefined;
    const made = this.answering || connections.isMade(socket);
    if (this.call.signal.aborted)
      return new RemoteFault('cancelled', 'Nobody waits for the answer any more.');
    if (this.timedOut) return this.late(made);
    const cause = isAxiosError(error) ? (error.cause ?? error) : error;
    if (cause instanceof ConnectTimeout) {
      return new RemoteFault(
        'connect_timeout',
        `The model's remote took no connection within ${cause.timeoutMs} ms.`,
      );
    }
    if (!made) {
      return new RemoteFault('unreachable', "The model's remote cannot be reached.", {
        cause,
        excerpt: reasonOf(cause),
      });
    }
    const when = this.answering ? 'in the middle of its answer' : 'before it answered';
    return new RemoteFault('broken', `The model's remote broke the connection ${when}.`, {
      cause,
      excerpt: reasonOf(cause),
    });
  }

  private late(made: boolean): RemoteFault {
    const { timeoutMs } = this.call;
    const within = `within ${Math.round(timeoutMs)} ms`;
    if (!made) return new RemoteFault('connect_timeout', `The model's remote took no connection ${within}.`);
    const what = this.answering ? 'did not finish its answer' : 'did not answer';
    return new RemoteFault('timeout', `The model's remote ${what} ${within}.`);
  }

  private readonly cancel = (): void => this.abort.abort();
}

function socketOf(error: { request?: unknown }): object | null | undefined {
  return (error.request as { socket?: object | null } | undefined)?.socket;
}
