import { createHash } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { type RemoteConfig, remoteConfig } from '../../config/config.slices';
import { DomainError } from '../../errors/domain-error';
import { Recorder } from '../../telemetry/metrics/recorder';
import { systemClock } from '../../common/clock';
import { Connections } from './connections';
import { remoteUrl } from './host-rules';
import { Redactor } from './redactor';
import { RemoteCaller } from './remote-caller';
import { templateCodec } from './remote-codec';
import type { RemoteModelConfig } from './remote-config';
import { RemoteEndpoint } from './remote-endpoint';
import { resolveHeaders } from './remote-headers';
import { RemoteHttp } from './remote-http';
import { RemoteQuestions } from './remote-questions';
import { type RemoteParts, RemoteRunner } from './remote-runner';
import { RetryBudget } from './retry-budget';
import { type Opening, openV2 } from './v2/v2-opening';
import type { Signature } from './v2/v2-metadata';
import { type V2Place, v2Place } from './v2/v2-place';

const DIGEST_FORM = 'nestor-remote-1';

/** Where calls of a model go, and how that place is asked whether it would take them. */
interface CallPlace {
  readonly call: URL;
  /** Rejects when it would not. */
  readonly probe: (questions: RemoteQuestions, signal: AbortSignal) => Promise<void>;
}

type RunnerParts = Opening &
  Pick<RemoteParts, 'headers' | 'redactor' | 'onClose'> & {
    readonly places: readonly CallPlace[];
    readonly questions: RemoteQuestions;
  };

/** Opens models that live on other servers. */
@Injectable()
export class RemoteFactory {
  constructor(
    private readonly http: RemoteHttp,
    private readonly recorder: Recorder,
    @Inject(remoteConfig.KEY) private readonly settings: RemoteConfig,
  ) {}

  /**
   * @param model its name here, and there where the URL does not say another
   * @throws DomainError `model_unavailable` when it is not declared well enough, or its remote must be asked and
   *   does not answer; nothing stays open then
   */
  async open(model: string, config: RemoteModelConfig): Promise<RemoteRunner> {
    const urls = this.urlsOf(config).map((url, i) => remoteUrl(url, i + 1, this.settings.allowedHosts));
    const headers = resolveHeaders(config.headers);
    const redactor = new Redactor(
      headers.secrets,
      urls.flatMap(({ host, hostname }) => [host, hostname]),
    );
    const apart = new Connections({ connectTimeoutMs: config.connectTimeoutMs, maxIdle: 0 });
    const questions = new RemoteQuestions(this.http, headers, redactor, apart);
    const onClose = (): void => apart.close();
    try {
      if (config.protocol === 'template') {
        const opening = openTemplate(config);
        const places = urls.map((url) => templateCallPlace(url, config.health));
        return this.runner(model, config, { ...opening, places, questions, headers, redactor, onClose });
      }
      const places = urls.map((url) => v2Place(url, model));
      const opening = await openV2(questions, places, config);
      return this.runner(model, config, {
        ...opening,
        places: places.map(v2CallPlace),
        questions,
        headers,
        redactor,
        onClose,
      });
    } catch (error) {
      onClose();
      throw error;
    }
  }

  private runner(
    model: string,
    config: RemoteModelConfig,
    { places, questions, ...parts }: RunnerParts,
  ): RemoteRunner {
    const { settings, http } = this;
    const endpoints = places.map((place) => this.endpoint(model, place, questions));
    const idempotent = config.idempotent ?? config.protocol !== 'template';
    const concurrency = config.maxConnections ?? settings.maxConnections;
    const caller = new RemoteCaller(
      endpoints,
      {
        retries: config.retries,
        idempotent,
        timeoutMs: config.timeoutMs ?? settings.externalTimeoutMs,
      },
      // A remote may die with all calls under way at it.
      new RetryBudget(concurrency),
      systemClock,
      Math.random,
    );
    const connections = new Connections({
      connectTimeoutMs: config.connectTimeoutMs,
      maxIdle: settings.maxIdleConnections,
    });
    const digest = remoteDigest(
      places.map(({ call }) => call),
      config,
      parts.signature,
    );
    return new RemoteRunner({
      ...parts,
      digest,
      endpoints,
      concurrency,
      idempotent,
      caller,
      http,
      connections,
    });
  }

  private endpoint(model: string, { call, probe }: CallPlace, questions: RemoteQuestions): RemoteEndpoint {
    return new RemoteEndpoint({
      model,
      url: call,
      probe: (signal) => probe(questions, signal),
      recorder: this.recorder.remote(model, call.host),
      clock: systemClock,
      random: Math.random,
    });
  }

  private urlsOf({ urls }: RemoteModelConfig): readonly string[] {
    if (urls.length > 0) return urls;
    if (this.settings.externalUrl !== undefined) return [this.settings.externalUrl];
    throw new DomainError('model_unavailable', 'it has no urls, and EXTERNAL_API_URL is not set');
  }
}

function openTemplate(config: RemoteModelConfig): Opening {
  const { inputs = [], outputs = [] } = config;
  if (inputs.length === 0 || outputs.length === 0) {
    throw new DomainError('model_unavailable', 'a template needs its inputs and outputs declared');
  }
  const signature = { inputs, outputs };
  return { signature, codec: templateCodec(signature, config) };
}

function v2CallPlace({ infer, ready }: V2Place): CallPlace {
  return { call: infer, probe: (questions, signal) => questions.isReady(ready, signal) };
}

/** @param health a path on the same host; without one, whatever answers will do */
function templateCallPlace(call: URL, health: string | undefined): CallPlace {
  if (health === undefined) return { call, probe: (questions, signal) => questions.isThere(call, signal) };
  const place = new URL(health, call.origin);
  return { call, probe: (questions, signal) => questions.isReady(place, signal) };
}

/**
 * SHA-256, as 64 hex digits, over what decides a remote model's answers as far as can be known from here: where and
 * how it is asked, and what it takes and gives. That the remote has another model in the same place does not show.
 */
function remoteDigest(
  urls: readonly URL[],
  { protocol, headers, request, response }: RemoteModelConfig,
  { inputs, outputs }: Signature,
): string {
  const content = [
    DIGEST_FORM,
    urls.map(({ href }) => href),
    protocol,
    headers,
    request,
    response,
    inputs,
    outputs,
  ];
  return createHash('sha256').update(JSON.stringify(content)).digest('hex');
}
